/// Two texts that belong together: a question and its answer, a query and a passage, two
/// paraphrases.
public struct PairRecord: Sendable, Equatable {
    /// The text to search with.
    public var text: String
    /// A text that should lie near it.
    public var textPos: String

    /// A pair of `text` and `textPos`.
    public init(text: String, textPos: String) {
        self.text = text
        self.textPos = textPos
    }

    /// Whether both texts are the same bytes (Swift's `String` equality also joins `é` spelled in
    /// two ways).
    public static func == (a: Self, b: Self) -> Bool {
        sameBytes(a.text, b.text) && sameBytes(a.textPos, b.textPos)
    }
}

/// A text, one that should lie near it, and one that should lie far from it.
public struct TripletRecord: Sendable, Equatable {
    /// The text to search with.
    public var text: String
    /// A text that should lie near it.
    public var textPos: String
    /// A text that should lie far from it: a hard negative.
    public var textNeg: String

    /// A triplet of `text`, `textPos` and `textNeg`.
    public init(text: String, textPos: String, textNeg: String) {
        self.text = text
        self.textPos = textPos
        self.textNeg = textNeg
    }

    /// Whether the three texts are the same bytes.
    public static func == (a: Self, b: Self) -> Bool {
        sameBytes(a.text, b.text) && sameBytes(a.textPos, b.textPos)
            && sameBytes(a.textNeg, b.textNeg)
    }
}

/// Two sentences and how similar they are, on any scale (0 to 5, 0 or 1, ...).
public struct ScoredPairRecord: Sendable, Equatable {
    /// One sentence.
    public var sentence1: String
    /// The other.
    public var sentence2: String
    /// Their similarity; higher is more similar. Finite.
    public var label: Double

    /// A pair of `sentence1` and `sentence2` with the score `label`.
    public init(sentence1: String, sentence2: String, label: Double) {
        self.sentence1 = sentence1
        self.sentence2 = sentence2
        self.label = label
    }

    /// Whether both sentences are the same bytes and the labels are equal.
    public static func == (a: Self, b: Self) -> Bool {
        sameBytes(a.sentence1, b.sentence1) && sameBytes(a.sentence2, b.sentence2)
            && a.label == b.label
    }
}

/// What the records of a data set are. One data set is of one kind.
public enum RecordKind: String, Sendable, CaseIterable {
    /// ``PairRecord``
    case pair
    /// ``TripletRecord``
    case triplet
    /// ``ScoredPairRecord``
    case scoredPair

    /// The names of the fields as uniem and the files spell them, texts first.
    public var fieldNames: [String] {
        switch self {
        case .pair: ["text", "text_pos"]
        case .triplet: ["text", "text_pos", "text_neg"]
        case .scoredPair: ["sentence1", "sentence2", "label"]
        }
    }

    /// How many of the fields are texts, 2 or 3; they stand before the label.
    public var textCount: Int { self == .triplet ? 3 : 2 }

    /// The kind in words, in the plural: `scored pairs`.
    public var plural: String {
        switch self {
        case .pair: "pairs"
        case .triplet: "triplets"
        case .scoredPair: "scored pairs"
        }
    }
}

/// One record of any kind.
public enum Record: Sendable, Equatable {
    /// A pair.
    case pair(PairRecord)
    /// A triplet.
    case triplet(TripletRecord)
    /// A scored pair.
    case scoredPair(ScoredPairRecord)

    /// What this is.
    public var kind: RecordKind {
        switch self {
        case .pair: .pair
        case .triplet: .triplet
        case .scoredPair: .scoredPair
        }
    }

    /// The texts in the order of the fields.
    public var texts: [String] {
        switch self {
        case .pair(let record): [record.text, record.textPos]
        case .triplet(let record): [record.text, record.textPos, record.textNeg]
        case .scoredPair(let record): [record.sentence1, record.sentence2]
        }
    }

    /// The label of a scored pair.
    public var label: Double? {
        if case .scoredPair(let record) = self { record.label } else { nil }
    }
}

/// Whether `a` and `b` are the same UTF-8 bytes.
func sameBytes(_ a: String, _ b: String) -> Bool {
    guard a.utf8.count == b.utf8.count else { return false }
    var (a, b) = (a, b)
    return a.withUTF8 { first in b.withUTF8 { unsafe first.elementsEqual($0) } }
}
