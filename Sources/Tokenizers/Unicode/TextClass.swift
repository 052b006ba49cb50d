/// What a character is to the patterns that cut words for byte-level models.
enum TextClass {
    static let other: UInt8 = 0
    static let letter: UInt8 = 1
    static let number: UInt8 = 2
    static let space: UInt8 = 3

    /// One byte for each code point (1.1 MB), made when first asked for.
    static let table: [UInt8] = {
        var table = [UInt8](repeating: other, count: 0x110000)
        mark(TextRanges.letters, letter, &table)
        mark(TextRanges.numbers, number, &table)
        for value in 0..<0x3001 where ScalarClass.of(UInt32(value)).contains(.space) {
            table[value] = space
        }
        return table
    }()

    private static func mark(_ ranges: String, _ kind: UInt8, _ table: inout [UInt8]) {
        for item in ranges.utf8.split(separator: UInt8(ascii: " ")) {
            let ends = item.split(separator: UInt8(ascii: "-")).map(number)
            guard let first = ends.first, let last = ends.last else { continue }
            for value in first...last { table[value] = kind }
        }
    }

    private static func number(_ digits: Substring.UTF8View.SubSequence) -> Int {
        digits.reduce(0) { value, digit in
            value << 4 | Int(digit < 0x41 ? digit - 0x30 : digit - 0x41 + 10)
        }
    }
}
