/// Reads a score as the reference library's JSON parser does.
///
/// That parser divides the digits, taken as one whole number, by a power of ten, which for more than 15 digits may be
/// off by the last bit. Two ways to cut a word whose sums would be equal then differ, and the same one must win.
enum ScoreText {
    private static let powers: [Double] = (0...308).map { Double("1e\($0)") ?? .infinity }

    /// The value of a JSON number; `nil` where it is out of range.
    static func value(_ text: String) -> Double? {
        var digits: UInt64 = 0
        var exponent = 0
        var isFraction = false
        var isFull = false
        var bytes = text.utf8.makeIterator()
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        if isNegative { _ = bytes.next() }
        scan: while let byte = bytes.next() {
            switch byte {
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                let rest = String(decoding: Array(IteratorSequence(bytes)), as: UTF8.self)
                guard let more = Int(rest), (-999_999...999_999).contains(more) else { return nil }
                exponent += more
                break scan
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (tens, overflow) = digits.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
                if isFull || overflow || carry {
                    // Digits that a word has no room for only move the point.
                    isFull = true
                    if !isFraction { exponent += 1 }
                } else {
                    digits = sum
                    if isFraction { exponent -= 1 }
                }
            default: return nil
            }
        }
        var value = Double(digits)
        while exponent < -308, value != 0 {
            value /= 1e308
            exponent += 308
        }
        if exponent > 308, value != 0 { return nil }
        if value != 0 {
            value = exponent >= 0 ? value * powers[exponent] : value / powers[-exponent]
        }
        return value.isFinite ? (isNegative ? -value : value) : nil
    }
}
