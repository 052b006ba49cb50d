/// Facts for people, one a line, values under each other.
enum Facts {
    static func text(_ facts: [(name: String, value: String)]) -> String {
        let width = facts.map(\.name.unicodeScalars.count).max() ?? 0
        return facts.map { name, value in
            let space = String(repeating: " ", count: width - name.unicodeScalars.count + 2)
            return name + space + value + "\n"
        }.joined()
    }

    /// A whole number with commas between thousands.
    static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }
}
