/// Numbers as Python prints them, so that logs read the same in both worlds.
public enum NumberText {
    /// The fewest digits that read back to `value`, spelled as Python's `repr`: `0.0001`, `3e-05`, `1.0`, `1e+16`.
    public static func shortest(_ value: Double) -> String {
        // Swift keeps plain digits up to 2^54, Python up to 1e16.
        if value.isFinite, abs(value) >= 1e16, abs(value) < 0x1p54 {
            let digits = String(UInt64(abs(value)))
            var fraction = digits.dropFirst()
            while fraction.last == "0" { fraction.removeLast() }
            let sign = value < 0 ? "-" : ""
            let point = fraction.isEmpty ? "" : "."
            return "\(sign)\(digits.prefix(1))\(point)\(fraction)e+\(digits.utf8.count - 1)"
        }
        return value.isNaN ? "nan" : "\(value)"
    }

    /// `value` with exactly `decimals` (0...6) digits after the point, rounded from its exact value, ties to even,
    /// as Python's `%.4f`. Numbers of 2^63 and more are written by ``shortest(_:)``.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        precondition(
            (0...6).contains(decimals), "NumberText.fixed: \(decimals) decimals, not 0...6")
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let magnitude = value.magnitude
        guard magnitude < 0x1p63 else { return shortest(value) }
        let scale: UInt128 = (0..<decimals).reduce(1) { product, _ in product * 10 }
        // value = significand * 2^exponent; everything stays a whole number.
        let scaled = UInt128(magnitude.significandBitPattern | implicitBit(magnitude)) * scale
        let exponent = max(Int(magnitude.exponentBitPattern), 1) - 1075
        var units: UInt128
        if exponent >= 0 {
            units = scaled << UInt128(exponent)
        } else if exponent < -100 {
            units = 0
        } else {
            units = scaled >> UInt128(-exponent)
            let rest = scaled - units << UInt128(-exponent)
            let half = UInt128(1) << UInt128(-exponent - 1)
            if rest > half || (rest == half && units % 2 == 1) { units += 1 }
        }
        let sign = value.sign == .minus ? "-" : ""
        if decimals == 0 { return "\(sign)\(units)" }
        let fraction = String(units % scale)
        let zeros = String(repeating: "0", count: decimals - fraction.utf8.count)
        return "\(sign)\(units / scale).\(zeros)\(fraction)"
    }

    /// Seconds as tqdm's clock: `00:12`, `1:02:03`. What is no time at all is `?`.
    public static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "?" }
        let whole = Int(seconds.magnitude)
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        let tail = "\(twoDigits(minutes)):\(twoDigits(rest))"
        let sign = seconds <= -1 ? "-" : ""
        return hours > 0 ? "\(sign)\(hours):\(tail)" : sign + tail
    }

    /// A size in bytes for people: `817 B`, `12.3 MB`.
    public static func bytes(_ count: Int) -> String {
        var value = Double(count)
        if value.magnitude < 1000 { return "\(count) B" }
        var unit = ""
        for next in ["kB", "MB", "GB", "TB"] where unit.isEmpty || value.magnitude >= 999.95 {
            value /= 1000
            unit = next
        }
        return "\(fixed(value, decimals: 1)) \(unit)"
    }

    private static func implicitBit(_ value: Double) -> UInt64 {
        value.exponentBitPattern == 0 ? 0 : 1 << 52
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

extension String {
    /// The text with spaces before it up to `width` scalars.
    func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - unicodeScalars.count)) + self
    }
}
