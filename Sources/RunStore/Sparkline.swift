internal import Tracking

/// A course of numbers as a line of bars.
enum Sparkline {
    /// `values` averaged into at most `width` bars between the lowest and the highest; a space where no number is
    /// finite.
    static func text(
        _ values: [Double], width: Int, style: ProgressBar.Style = .blocks
    ) -> String {
        precondition(width >= 1, "Sparkline: width \(width)")
        let bars: [Unicode.Scalar] =
            switch style {
            case .blocks: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
            case .ascii: ["_", ".", "-", "~", "+", "*", "%", "#"]
            }
        let count = min(width, values.count)
        let means: [Double?] = (0..<count).map { index in
            let from = index * values.count / count
            let to = (index + 1) * values.count / count
            let finite = values[from..<to].filter(\.isFinite)
            return finite.isEmpty
                ? nil : finite.reduce(0) { $0 + $1 / Double(finite.count) }
        }
        let known = means.compactMap { $0 }
        guard let low = known.min(), let high = known.max() else {
            return String(repeating: " ", count: count)
        }
        var out = String.UnicodeScalarView()
        for mean in means {
            guard let mean else {
                out.append(" ")
                continue
            }
            // Halves, as the range of two huge numbers may not be a number.
            let range = high / 2 - low / 2
            let level = range > 0 ? (mean / 2 - low / 2) / range * 7 : 0
            out.append(bars[Int(level.rounded())])
        }
        return String(out)
    }
}
