/// Records in a row, all of one kind.
public enum Records: Sendable, Equatable {
    /// Pairs.
    case pairs([PairRecord])
    /// Triplets.
    case triplets([TripletRecord])
    /// Scored pairs.
    case scoredPairs([ScoredPairRecord])

    /// What they are.
    public var kind: RecordKind {
        switch self {
        case .pairs: .pair
        case .triplets: .triplet
        case .scoredPairs: .scoredPair
        }
    }

    /// How many there are.
    public var count: Int {
        switch self {
        case .pairs(let records): records.count
        case .triplets(let records): records.count
        case .scoredPairs(let records): records.count
        }
    }

    /// Whether there are none.
    public var isEmpty: Bool { count == 0 }

    /// The record at `index`. Traps where `index` is not below ``count``.
    public subscript(index: Int) -> Record {
        precondition(index >= 0 && index < count, "record \(index) of \(count)")
        return switch self {
        case .pairs(let records): .pair(records[index])
        case .triplets(let records): .triplet(records[index])
        case .scoredPairs(let records): .scoredPair(records[index])
        }
    }

    /// The records at `indices`, in that order. Traps where an index is not below ``count``.
    public subscript(indices: some Sequence<Int>) -> Records {
        let all = count
        func checked(_ index: Int) -> Int {
            precondition(index >= 0 && index < all, "record \(index) of \(all)")
            return index
        }
        return switch self {
        case .pairs(let records): .pairs(indices.map { records[checked($0)] })
        case .triplets(let records): .triplets(indices.map { records[checked($0)] })
        case .scoredPairs(let records): .scoredPairs(indices.map { records[checked($0)] })
        }
    }

    /// The texts of each text field (2 or 3 columns), each `count` long.
    public var columns: [[String]] {
        switch self {
        case .pairs(let records): [records.map(\.text), records.map(\.textPos)]
        case .triplets(let records):
            [records.map(\.text), records.map(\.textPos), records.map(\.textNeg)]
        case .scoredPairs(let records): [records.map(\.sentence1), records.map(\.sentence2)]
        }
    }

    /// All texts, column after column: first every `text` (or `sentence1`), then every `text_pos`,
    /// ...
    public var texts: [String] { columns.flatMap { $0 } }

    /// The labels of scored pairs; `nil` for the other kinds.
    public var labels: [Double]? {
        if case .scoredPairs(let records) = self { records.map(\.label) } else { nil }
    }
}

/// Gathers records of one kind; each array is uniquely held, so that adding is quick.
struct RecordCollector {
    let kind: RecordKind
    private var pairs: [PairRecord] = []
    private var triplets: [TripletRecord] = []
    private var scoredPairs: [ScoredPairRecord] = []

    init(kind: RecordKind) { self.kind = kind }

    /// Adds `record`. Traps where it is of another kind.
    mutating func add(_ record: Record) {
        precondition(record.kind == kind, "add: a \(record.kind.rawValue) to \(kind.plural)")
        switch record {
        case .pair(let record): pairs.append(record)
        case .triplet(let record): triplets.append(record)
        case .scoredPair(let record): scoredPairs.append(record)
        }
    }

    var records: Records {
        switch kind {
        case .pair: .pairs(pairs)
        case .triplet: .triplets(triplets)
        case .scoredPair: .scoredPairs(scoredPairs)
        }
    }
}
