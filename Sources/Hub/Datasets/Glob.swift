/// A pattern for names of files, as `data/train-*.parquet` or `**/test/**`.
///
/// `*` and `?` stand for text and for one character within a part, `[ab]`, `[a-z]`, `[!a]` for one character of a set;
/// a part `**` stands for any number of parts, at the end for any file below. Other signs stand for themselves.
struct Glob {
    private enum Part {
        case anything
        case text([Unit])
    }
    private enum Unit {
        case one(Unicode.Scalar)
        case any
        case many
        case set(isNegated: Bool, [ClosedRange<UInt32>])
    }

    private let parts: [Part]
    let text: String

    /// Reads a pattern; `nil` where `**` stands beside other signs in a part.
    init?(_ text: String) {
        self.text = text
        var parts: [Part] = []
        for part in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) {
            let part = String(decoding: part, as: UTF8.self)
            if part == "." { continue }
            if part == "**" {
                parts.append(.anything)
            } else if Glob.hasDoubleStar(part) {
                return nil
            } else {
                parts.append(.text(Glob.units(part)))
            }
        }
        self.parts = parts
    }

    /// Whether `text` stands for more than one name.
    static func isPattern(_ text: String) -> Bool {
        text.utf8.contains {
            $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[")
        }
    }

    private static func hasDoubleStar(_ part: String) -> Bool {
        zip(part.utf8, part.utf8.dropFirst()).contains {
            $0 == UInt8(ascii: "*") && $1 == UInt8(ascii: "*")
        }
    }

    private static func units(_ part: String) -> [Unit] {
        let scalars = Array(part.unicodeScalars)
        var units: [Unit] = []
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "*": units.append(.many)
            case "?": units.append(.any)
            case "[":
                if let (set, next) = set(scalars, index) {
                    units.append(set)
                    index = next
                } else {
                    units.append(.one("["))
                }
            default: units.append(.one(scalar))
            }
        }
        return units
    }

    /// Reads a set after its `[`; `nil` where no `]` ends it.
    private static func set(_ scalars: [Unicode.Scalar], _ start: Int) -> (Unit, Int)? {
        var index = start
        var isNegated = false
        if index < scalars.count, scalars[index] == "!" {
            isNegated = true
            index += 1
        }
        var ranges: [ClosedRange<UInt32>] = []
        let first = index
        while index < scalars.count {
            let scalar = scalars[index]
            if scalar == "]", index > first {
                return (.set(isNegated: isNegated, ranges), index + 1)
            }
            if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
                let high = scalars[index + 2].value
                if scalar.value <= high { ranges.append(scalar.value...high) }
                index += 3
            } else {
                ranges.append(scalar.value...scalar.value)
                index += 1
            }
        }
        return nil
    }

    /// Whether the pattern stands for `path`.
    func matches(_ path: String) -> Bool { matches(Glob.words(path)[...]) }

    /// The parts of `path`.
    static func words(_ path: String) -> [[Unicode.Scalar]] {
        path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
            .map { Array(String(decoding: $0, as: UTF8.self).unicodeScalars) }
    }

    /// Whether the pattern stands for a path of these parts.
    func matches(_ words: ArraySlice<[Unicode.Scalar]>) -> Bool {
        // A row of a table: whether the first parts of the pattern stand for the first words.
        var row = [Bool](repeating: false, count: words.count + 1)
        row[0] = true
        for (index, part) in parts.enumerated() {
            var next = [Bool](repeating: false, count: words.count + 1)
            switch part {
            case .anything:
                let isLast = index == parts.count - 1
                var isOpen = false
                for count in 0...words.count {
                    // At the end it stands for one word at least.
                    if isLast { next[count] = isOpen }
                    isOpen = isOpen || row[count]
                    if !isLast { next[count] = isOpen }
                }
            case .text(let units):
                for (count, word) in words.enumerated()
                where row[count] && Glob.matches(units, word) {
                    next[count + 1] = true
                }
            }
            row = next
        }
        return row[words.count]
    }

    /// Whether `units` stand for `word`: on failure only the last `*` takes more, which is enough.
    private static func matches(_ units: [Unit], _ word: [Unicode.Scalar]) -> Bool {
        var unit = 0
        var position = 0
        var restart: (unit: Int, position: Int)?
        while position < word.count {
            if unit < units.count, case .many = units[unit] {
                restart = (unit + 1, position)
                unit += 1
            } else if unit < units.count, matches(units[unit], word[position]) {
                unit += 1
                position += 1
            } else if let last = restart {
                restart = (last.unit, last.position + 1)
                unit = last.unit
                position = last.position + 1
            } else {
                return false
            }
        }
        return units[unit...].allSatisfy { if case .many = $0 { true } else { false } }
    }

    private static func matches(_ unit: Unit, _ scalar: Unicode.Scalar) -> Bool {
        switch unit {
        case .one(let other): other == scalar
        case .any, .many: true
        case .set(let isNegated, let ranges):
            ranges.contains { $0.contains(scalar.value) } != isNegated
        }
    }
}
