/// What is put around the tokens of one text, or of a pair.
struct PostProcessor: Equatable, Sendable {
    /// A part of the result.
    enum Piece: Equatable, Sendable {
        case special(id: Int32, typeID: Int32)
        case first(typeID: Int32)
        case second(typeID: Int32)
    }

    /// How special tokens are placed around the texts.
    var single: [Piece]
    /// The same for pairs.
    var pair: [Piece]
    /// The same where no special tokens are wanted.
    var bareSingle: [Piece]
    /// The same for pairs.
    var barePair: [Piece]
    /// Offsets leave out white space that a token took; `nil` to leave them as they are.
    var trim: Trim?

    /// How offsets are trimmed.
    struct Trim: Equatable, Sendable {
        /// One space at the start of the text stays: the tokenizer is thought to have added it.
        var addsPrefixSpace: Bool
    }

    /// The names that `tokenizer.json` may use.
    static let supported = [
        "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing",
    ]

    /// Adds nothing.
    static let none = PostProcessor(
        single: [.first(typeID: 0)], pair: [.first(typeID: 0), .second(typeID: 1)])

    /// Places tokens as given; without special tokens, type ids are those of `bareTypes`.
    init(single: [Piece], pair: [Piece], bareTypes: (Int32, Int32)? = nil, trim: Trim? = nil) {
        self.single = single
        self.pair = pair
        self.trim = trim
        func isText(_ piece: Piece) -> Bool {
            if case .special = piece { false } else { true }
        }
        if let bareTypes {
            bareSingle = [.first(typeID: bareTypes.0)]
            barePair = [.first(typeID: bareTypes.0), .second(typeID: bareTypes.1)]
        } else {
            bareSingle = single.filter(isText)
            barePair = pair.filter(isText)
        }
    }

    /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the second text with type 1.
    static func bert(cls: Int32, sep: Int32) -> PostProcessor {
        PostProcessor(
            single: [
                .special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0),
            ],
            pair: [
                .special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0),
                .second(typeID: 1), .special(id: sep, typeID: 1),
            ], bareTypes: (0, 1))
    }

    /// `<s> A </s>` and `<s> A </s></s> B </s>`, all types 0.
    static func roberta(cls: Int32, sep: Int32, trim: Trim?) -> PostProcessor {
        let single: [Piece] = [
            .special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0),
        ]
        return PostProcessor(
            single: single,
            pair: single + [
                .special(id: sep, typeID: 0), .second(typeID: 0), .special(id: sep, typeID: 0),
            ], bareTypes: (0, 0), trim: trim)
    }

    /// How many of `pieces` are special tokens.
    static func specialCount(_ pieces: [Piece]) -> Int {
        pieces.count { if case .special = $0 { true } else { false } }
    }
}
