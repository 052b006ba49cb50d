internal import Files

/// Texts in the Markdown that TensorBoard shows.
enum MarkdownText {
    /// A table of two columns; names and values appear letter by letter, whatever they hold.
    static func table(
        _ heading: (String, String), _ rows: [(name: String, value: String)]
    ) -> String {
        var text = "| \(heading.0) | \(heading.1) |\n|---|---|\n"
        for (name, value) in rows { text += "| \(code(name)) | \(code(value)) |\n" }
        return text
    }

    /// Lines as they are, in a block of code.
    static func block(_ lines: [String]) -> String {
        let text = lines.joined(separator: "\n")
        let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
        return "\(fence)\n\(text)\n\(fence)"
    }

    /// `text` as code within a line; control characters as in JSON.
    private static func code(_ text: String) -> String {
        if text.utf8.isEmpty { return "" }
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: line.unicodeScalars.append(scalar)
            }
        }
        let fence = String(repeating: "`", count: longestRun(of: "`", in: line) + 1)
        let touches = line.utf8.first == UInt8(ascii: "`") || line.utf8.last == UInt8(ascii: "`")
        let space = touches ? " " : ""
        return fence + space + line + space + fence
    }

    private static func longestRun(of scalar: Unicode.Scalar, in text: String) -> Int {
        var (longest, run) = (0, 0)
        for next in text.unicodeScalars {
            run = next == scalar ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }
}
