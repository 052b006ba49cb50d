import Files

/// How the text fields of a row hold their texts, as the first row shows; every later row must do
/// the same.
///
/// JSON and Parquet can hold more than one text in a field:
/// - **Lists of texts**, as FlagEmbedding writes them: `{"query": "a", "pos": ["b", "c"], "neg":
///   ["d", "e"]}`. Each positive stands in a record with each negative, positives in order and for
///   each the negatives in order: (a, b, d), (a, b, e), (a, c, d), (a, c, e). FlagEmbedding itself
///   draws one positive and a few negatives each time a row comes; here every combination comes
///   once an epoch, so that an epoch is the same in every run. A field that holds one text counts
///   as a list of one. Where the first row's list of negatives is empty, all must be, and the
///   records are pairs.
/// - **Instruction and text**, as MEDI for uniem: `{"query": ["Represent the question:", "a"],
///   "pos": ["Represent the document:", "b"], "neg": [...]}`. Told by the first field, which is an
///   array of two strings; all text fields must be. The two are joined by a line break, as uniem
///   does.
enum TextLayout: Equatable {
    /// Each field is one text.
    case texts
    /// A positive or a negative is a list of texts. `noNegatives` names the column whose lists are
    /// empty.
    case lists(isList: [Bool], noNegatives: String?)
    /// Each field is an instruction and a text.
    case instructed

    /// The most records that one row of lists may stand for.
    static let recordLimit = 1 << 16

    /// The layout of `first`, whose fields stand at `places`. Turns triplets into pairs in
    /// `recognition` where there are no negatives.
    init(
        of first: Row, places: [Int], recognition: inout FieldRecognition, path: String
    ) throws(FileError) {
        self = .texts
        guard recognition.kind != .scoredPair else { return }
        let values = places.map { first.values[$0] }
        let isList = values.map { if case .array = $0 { true } else { false } }
        guard isList.contains(true) else { return }
        if isList[0] {
            for (value, column) in zip(values, recognition.columns) {
                try Self.checkInstructed(value, column, path: path, line: first.line)
            }
            self = .instructed
            return
        }
        var noNegatives: String?
        if recognition.kind == .triplet, case .array(let texts) = values[2], texts.isEmpty {
            noNegatives = recognition.dropNegatives()
        }
        self = .lists(
            isList: Array(isList.prefix(recognition.columns.count)), noNegatives: noNegatives)
    }

    /// What people are told after the kind: `, one for each text of pos and neg`.
    func note(_ recognition: FieldRecognition) -> String {
        switch self {
        case .texts: return ""
        case .instructed: return ", each text an instruction, a line break and the text"
        case .lists(let isList, _):
            let lists = zip(recognition.columns, isList).filter(\.1).map { shownName($0.0) }
            return lists.isEmpty ? "" : ", one for each text of " + lists.joined(separator: " and ")
        }
    }

    /// The column whose lists must be empty.
    var emptied: String? { if case .lists(_, let column) = self { column } else { nil } }

    /// Throws unless `value` is an instruction and a text.
    static func checkInstructed(
        _ value: JSON, _ column: String, path: String, line: Int
    ) throws(FileError) {
        if case .array(let parts) = value, parts.count == 2, parts.allSatisfy({ $0.string != nil })
        {
            return
        }
        throw FileError(
            path: path, line: line,
            problem: "\(shownName(column)) must be an instruction and a text, "
                + "[\"...\", \"...\"], found " + shown(value),
            remedy:
                "where the first text field is an array, every text field is read as [instruction, "
                + "text]; else write the first text as a string")
    }
}

/// The records that one row of lists stands for, one after another.
struct Expansion {
    let text: String
    let positives: [String]
    /// `nil` for pairs.
    let negatives: [String]?
    private var position = 0

    init(text: String, positives: [String], negatives: [String]?) {
        self.text = text
        self.positives = positives
        self.negatives = negatives
    }

    /// How many records there are in all.
    var count: Int { positives.count * (negatives?.count ?? 1) }

    mutating func next() -> Record? {
        guard position < count else { return nil }
        defer { position += 1 }
        guard let negatives else {
            return .pair(PairRecord(text: text, textPos: positives[position]))
        }
        return .triplet(
            TripletRecord(
                text: text, textPos: positives[position / negatives.count],
                textNeg: negatives[position % negatives.count]))
    }
}
