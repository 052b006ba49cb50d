/// Text in columns, for a terminal.
enum TextColumns {
    /// `lines` with every column as wide as its widest cell, two spaces between; columns in `right` are flush right.
    static func aligned(_ lines: [[String]], right: Set<Int>) -> String {
        let clean = lines.map { $0.map(printable) }
        let columns = clean.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            clean.map { column < $0.count ? width($0[column]) : 0 }.max() ?? 0
        }
        var out = ""
        for line in clean {
            var text = ""
            for (column, cell) in line.enumerated() {
                let space = String(repeating: " ", count: widths[column] - width(cell))
                text += column > 0 ? "  " : ""
                text += right.contains(column) ? space + cell : cell + space
            }
            while text.last == " " { text.removeLast() }
            out += text + "\n"
        }
        return out
    }

    /// The columns that `text` takes: wide East Asian characters and emoji two, combining marks none.
    static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: sum
            default: sum + (isWide(scalar.value) ? 2 : 1)
            }
        }
    }

    /// `text` without what could steer a terminal or break the line.
    static func printable(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: out.append(" ")
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    /// `text` cut to `columns` columns, with a mark where something is missing.
    static func clipped(_ text: String, to columns: Int) -> String {
        let text = printable(text)
        if width(text) <= columns { return text }
        var out = String.UnicodeScalarView()
        var taken = 0
        for scalar in text.unicodeScalars {
            taken += width(String(scalar))
            if taken >= columns { break }
            out.append(scalar)
        }
        return String(out) + (columns > 0 ? "…" : "")
    }

    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
