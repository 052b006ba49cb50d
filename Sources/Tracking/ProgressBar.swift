/// The text of a progress bar, laid out as tqdm's.
public struct ProgressBar: Sendable {
    /// What the bar is drawn with: from empty to full, in steps.
    public enum Style: Sendable {
        /// ` 123456789#`, for terminals without Unicode.
        case ascii
        /// Blocks of eighths.
        case blocks

        fileprivate var symbols: [Unicode.Scalar] {
            switch self {
            case .ascii: [" ", "1", "2", "3", "4", "5", "6", "7", "8", "9", "#"]
            case .blocks: [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
            }
        }
    }

    /// The text before the percentage.
    public var description: String
    /// Units done.
    public var done: Int
    /// Units in all.
    public var total: Int
    /// Units that were done before the clock of ``elapsed`` began (a resumed run); they do not count for the rate.
    public var initial: Int
    /// Seconds since the beginning.
    public var elapsed: Double

    /// Describes a bar. Traps unless `0 <= initial <= done`.
    public init(description: String, done: Int, total: Int, initial: Int = 0, elapsed: Double) {
        precondition(
            0 <= initial && initial <= done, "ProgressBar: initial \(initial), done \(done)")
        self.description = description
        self.done = done
        self.total = total
        self.initial = initial
        self.elapsed = elapsed
    }

    /// The bar in `width` columns, cut where even its numbers are wider; 0 for a width that is unknown (a bar of ten).
    public func text(width: Int, style: Style) -> String {
        let (left, right) = (head + "|", "| " + tail)
        let taken = left.unicodeScalars.count + right.unicodeScalars.count
        let text = left + bar(columns: width > 0 ? max(1, width - taken) : 10, style: style) + right
        if width <= 0 || text.unicodeScalars.count <= width { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(width)))
    }

    /// The numbers without a bar, for a log.
    public var plainText: String { head + " " + tail }

    private var fraction: Double { total > 0 ? min(1, Double(done) / Double(total)) : 1 }

    private var head: String {
        let percentage = NumberText.fixed(fraction * 100, decimals: 0).leftPadded(to: 3)
        return "\(description): \(percentage)%"
    }

    private var tail: String {
        let rate = elapsed > 0 ? Double(done - initial) / elapsed : 0
        let remaining = rate > 0 ? NumberText.clock(Double(max(0, total - done)) / rate) : "?"
        var speed = "?it/s"
        if rate >= 1 {
            speed = NumberText.fixed(rate, decimals: 2).leftPadded(to: 5) + "it/s"
        } else if rate > 0 {
            speed = NumberText.fixed(1 / rate, decimals: 2).leftPadded(to: 5) + "s/it"
        }
        return "\(done)/\(total) [\(NumberText.clock(elapsed))<\(remaining), \(speed)]"
    }

    private func bar(columns: Int, style: Style) -> String {
        let symbols = style.symbols
        let levels = symbols.count - 1
        let filled = Int(fraction * Double(columns * levels))
        var scalars = String.UnicodeScalarView()
        for column in 0..<columns {
            scalars.append(symbols[min(levels, max(0, filled - column * levels))])
        }
        return String(scalars)
    }
}
