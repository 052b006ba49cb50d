/// Numbers for the texts of rows: two texts have the same number where they are the same bytes.
///
/// Four bytes a text, whatever its length; the texts themselves are not kept.
///
/// ```swift
/// let plan = NoDuplicatesPlan(TextIDs(data.records), batchSize: 64, seed: 42)
/// ```
public struct TextIDs: Sendable, Equatable {
    /// How many rows there are.
    public let rowCount: Int
    /// How many texts a row has.
    public let columnCount: Int
    /// How many different texts there are; their numbers are those below, in the order in which
    /// the texts come first, row by row.
    public let distinctCount: Int
    /// Row after row.
    private let numbers: [Int32]

    /// The numbers of the texts of `records`; labels do not count. In time proportional to the
    /// bytes.
    public init(_ records: Records) {
        var known = Dictionary<TextKey, Int32>(minimumCapacity: records.count)
        var numbers: [Int32] = []
        numbers.reserveCapacity(records.count * records.kind.textCount)
        func add(_ text: String) {
            let new = Int32(clamping: known.count)
            numbers.append(Self.settled(&known[TextKey(text: text), default: -1], new))
        }
        switch records {
        case .pairs(let rows):
            for row in rows {
                add(row.text)
                add(row.textPos)
            }
        case .triplets(let rows):
            for row in rows {
                add(row.text)
                add(row.textPos)
                add(row.textNeg)
            }
        case .scoredPairs(let rows):
            for row in rows {
                add(row.sentence1)
                add(row.sentence2)
            }
        }
        self.init(numbers, columnCount: records.kind.textCount, distinctCount: known.count)
    }

    /// Rows of numbers that the caller gave to texts; they are numbered anew. Traps unless all rows
    /// are equally long.
    public init(rows: [[Int32]]) {
        let columnCount = rows.first?.count ?? 0
        var known: [Int32: Int32] = [:]
        var numbers: [Int32] = []
        for (index, row) in rows.enumerated() {
            precondition(
                row.count == columnCount,
                "TextIDs: row \(index) has \(row.count) texts where \(columnCount) were expected")
            for number in row {
                let new = Int32(clamping: known.count)
                numbers.append(Self.settled(&known[number, default: -1], new))
            }
        }
        self.init(
            numbers, rowCount: rows.count, columnCount: columnCount, distinctCount: known.count)
    }

    private init(
        _ numbers: [Int32], rowCount: Int? = nil, columnCount: Int, distinctCount: Int
    ) {
        let rowCount = rowCount ?? numbers.count / columnCount
        precondition(
            rowCount < Int(Int32.max) && distinctCount < Int(Int32.max),
            "TextIDs: \(rowCount) rows with \(distinctCount) texts are too many")
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.distinctCount = distinctCount
        self.numbers = numbers
    }

    /// What `slot` holds; `new` where it held nothing yet.
    private static func settled(_ slot: inout Int32, _ new: Int32) -> Int32 {
        if slot < 0 { slot = new }
        return slot
    }

    /// The numbers of the texts of `row`. Traps where `row` is not below ``rowCount``.
    public subscript(row: Int) -> ArraySlice<Int32> {
        precondition(row >= 0 && row < rowCount, "row \(row) of \(rowCount)")
        return numbers[row * columnCount..<(row + 1) * columnCount]
    }
}

/// A text that is equal to another where both are the same bytes.
private struct TextKey: Hashable {
    let text: String

    static func == (a: Self, b: Self) -> Bool { sameBytes(a.text, b.text) }

    func hash(into hasher: inout Hasher) {
        var word: UInt64 = 0
        var count = 0
        for byte in text.utf8 {
            word = word << 8 | UInt64(byte)
            count &+= 1
            if count & 7 == 0 { hasher.combine(word) }
        }
        hasher.combine(word)
        hasher.combine(count)
    }
}
