import Files

/// The names that each field is known by: the one table of them.
///
/// The first is uniem's own. The others are compared in lower case with spaces and hyphens read as
/// `_`, so that
/// `Sentence A` is `sentence_a`.
private let aliases: [(field: String, names: [String])] = [
    (
        "sentence1",
        [
            "sentence1", "sentence_1", "sentence_a", "sent1", "text1", "text_1", "text_a",
            "question1", "question_1", "query1", "premise",
        ]
    ),
    (
        "sentence2",
        [
            "sentence2", "sentence_2", "sentence_b", "sent2", "text2", "text_2", "text_b",
            "question2", "question_2", "query2", "hypothesis",
        ]
    ),
    (
        "label",
        ["label", "score", "similarity_score", "similarity", "relatedness_score", "is_duplicate"]
    ),
    ("text", ["text", "anchor", "query", "question", "sent0"]),
    ("text_pos", ["text_pos", "positive", "pos", "answer", "passage", "document", "textpos"]),
    ("text_neg", ["text_neg", "negative", "neg", "hard_neg", "hard_negative", "textneg"]),
]

/// Which columns of a source are which fields of which kind of record.
///
/// The rule, applied to the names after renaming:
/// 1. uniem's own names decide where all of one kind are there: scored pair before triplet before
///    pair (a pair with a column that is known as `text_neg` is a triplet).
/// 2. Else each field is found by uniem's name, or by its alias where there is exactly one; again
///    scored pair before triplet before pair. Two aliases of one field are an error that asks for a
///    `--rename`.
struct FieldRecognition: Equatable {
    /// What the rows are.
    var kind: RecordKind
    /// The column of each field, as it is called in the file.
    var columns: [String]
    /// The columns that are not used.
    var ignored: [String]

    /// How the fields were recognised: `sentence1, sentence2, label (score) -> scored pairs`.
    var summary: String {
        let fields = zip(kind.fieldNames, columns).map { field, column in
            sameBytes(field, column) ? field : "\(field) (\(shownName(column)))"
        }
        return fields.joined(separator: ", ") + " -> " + kind.plural
    }

    /// Why no kind was recognised.
    enum Failure: Error {
        /// Several columns could be `field`.
        case ambiguous(field: String, columns: [String])
        /// No kind is complete; the one that comes closest lacks a field.
        case missing(kind: RecordKind, field: String, found: [String])
        /// No column is known.
        case unknown
    }

    fileprivate init(kind: RecordKind, used: [String], ignored: [String]) {
        self.kind = kind
        columns = used
        self.ignored = ignored
    }

    /// Recognises the fields among `columns`, each of which is taken for `names` (its name after
    /// renaming).
    init(columns: [String], names: [String]) throws(Failure) {
        let finder = FieldFinder(columns: columns, names: names)
        if let found = finder.exact() {
            self = found
            return
        }
        for kind in [RecordKind.scoredPair, .triplet, .pair] {
            let candidates = kind.fieldNames.map { finder.candidates(for: $0) }
            if candidates.contains(where: \.isEmpty) { continue }
            for (field, indices) in zip(kind.fieldNames, candidates) where indices.count > 1 {
                throw .ambiguous(field: field, columns: indices.map { columns[$0] })
            }
            self = finder.recognition(kind, candidates.compactMap(\.first))
            return
        }
        throw finder.failure()
    }

    /// Whether `name` is known as `field`, or as any where that is `nil`.
    static func isKnown(_ name: String, as field: String? = nil) -> Bool {
        let plain = plainName(name)
        return aliases.contains { entry in
            (field == nil || field == entry.field) && entry.names.contains { sameBytes($0, plain) }
        }
    }

    /// Takes triplets for pairs: the column of their negatives, which is given back, is not used.
    mutating func dropNegatives() -> String {
        precondition(kind == .triplet && columns.count == 3, "dropNegatives: \(kind.plural)")
        kind = .pair
        let column = columns.removeLast()
        ignored.append(column)
        return column
    }
}

private struct FieldFinder {
    let columns: [String]
    let names: [String]

    /// The columns that may be `field`: that of uniem's name alone, else all with an alias.
    func candidates(for field: String) -> [Int] {
        if let exact = names.lastIndex(where: { sameBytes($0, field) }) { return [exact] }
        let known = aliases.first { $0.field == field }?.names ?? []
        return names.indices.filter { index in
            let plain = plainName(names[index])
            // Of a JSON key given twice the last counts.
            return known.contains { sameBytes($0, plain) }
                && !columns[(index + 1)...].contains { sameBytes($0, columns[index]) }
        }
    }

    /// The kind whose own names are all there.
    func exact() -> FieldRecognition? {
        for kind in [RecordKind.scoredPair, .triplet, .pair] {
            let found = kind.fieldNames.compactMap { field in
                names.lastIndex { sameBytes($0, field) }
            }
            guard found.count == kind.fieldNames.count else { continue }
            if kind == .pair, !candidates(for: "text_neg").isEmpty { return nil }
            return recognition(kind, found)
        }
        return nil
    }

    func recognition(_ kind: RecordKind, _ indices: [Int]) -> FieldRecognition {
        FieldRecognition(
            kind: kind, used: indices.map { columns[$0] },
            ignored: columns.indices.filter { !indices.contains($0) }.map { columns[$0] })
    }

    /// What lacks least; of two that lack as much, a scored pair before a pair before a triplet.
    func failure() -> FieldRecognition.Failure {
        var best: (lacking: Int, failure: FieldRecognition.Failure)?
        for kind in [RecordKind.scoredPair, .pair, .triplet] {
            let columnsOfField = kind.fieldNames.map { candidates(for: $0) }
            let lacking = zip(kind.fieldNames, columnsOfField).filter { $0.1.isEmpty }.map(\.0)
            let found = columnsOfField.compactMap(\.first).map { columns[$0] }
            guard let field = lacking.first, !found.isEmpty else { continue }
            if lacking.count < best?.lacking ?? .max {
                best = (lacking.count, .missing(kind: kind, field: field, found: found))
            }
        }
        return best?.failure ?? .unknown
    }
}

/// `name` in lower case (ASCII letters) with spaces and hyphens as `_`, without spaces around it.
private func plainName(_ name: String) -> String {
    let bytes = name.utf8.drop { $0 == 0x20 }
    let end = bytes.lastIndex { $0 != 0x20 }.map { bytes.index(after: $0) } ?? bytes.startIndex
    return String(
        decoding: bytes[..<end].map { byte in
            switch byte {
            case 0x41...0x5A: byte + 0x20
            case 0x20, 0x2D: UInt8(ascii: "_")
            default: byte
            }
        }, as: UTF8.self)
}
