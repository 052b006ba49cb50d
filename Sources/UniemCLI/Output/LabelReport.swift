import Uniem

/// The labels of scored pairs: their range, and how they are spread.
struct LabelReport {
    /// Labels from `lower` to `upper`: to below it, save in the last bin; a single value where both are equal.
    struct Bin {
        var lower: Double
        var upper: Double
        var count: Int
    }

    private let smallest: Double
    private let largest: Double
    private let mean: Double
    private let distinct: Int
    /// One for each value where there are at most ten, else ten of equal width.
    let bins: [Bin]

    init(_ labels: [Double]) {
        smallest = labels.min() ?? 0
        largest = labels.max() ?? 0
        // Halved first: labels may be as large as numbers get.
        mean = 2 * labels.reduce(0) { $0 + $1 / 2 / Double(labels.count) }
        let values = Set(labels).sorted()
        distinct = values.count
        if values.count <= 10 {
            bins = values.map { value in
                Bin(lower: value, upper: value, count: labels.count { $0 == value })
            }
            return
        }
        let (low, high) = (smallest / 10, largest / 10)
        let edges = (0...10).map { Double(10 - $0) * low + Double($0) * high }
        var counts = Array(repeating: 0, count: 10)
        for label in labels {
            let bin = (1..<10).last { edges[$0] <= label } ?? 0
            counts[bin] += 1
        }
        bins = counts.indices.map { Bin(lower: edges[$0], upper: edges[$0 + 1], count: counts[$0]) }
    }

    /// On one line.
    var summary: String {
        "\(Metric.short(smallest)) to \(Metric.short(largest)), mean \(Metric.short(mean)), "
            + "\(distinct) different"
    }

    /// A line for each bin.
    var histogram: String {
        let most = max(1, bins.map(\.count).max() ?? 1)
        return Facts.text(
            bins.map { bin in
                let name =
                    bin.lower == bin.upper
                    ? Metric.short(bin.lower)
                    : "\(Metric.short(bin.lower)) to \(Metric.short(bin.upper))"
                let bar = String(repeating: "#", count: (bin.count * 40 + most - 1) / most)
                return ("  " + name, bar + " \(bin.count)")
            })
    }

    /// The same for programs.
    var json: JSON {
        [
            "smallest": .double(smallest), "largest": .double(largest), "mean": .double(mean),
            "distinct": .int(distinct),
            "bins": .array(
                bins.map {
                    [
                        "lower": .double($0.lower), "upper": .double($0.upper),
                        "count": .int($0.count),
                    ]
                }),
        ]
    }
}

extension Metric {
    /// At most four digits after the point, without zeros at the end.
    static func short(_ value: Double) -> String {
        var text = NumberText.fixed(value, decimals: 4)
        guard text.contains(".") && !text.contains("e") else { return text }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text == "-0" ? "0" : text
    }
}
