import Uniem

/// How long things are.
struct Distribution {
    let shortest: Int
    let median: Int
    let mean: Double
    /// 95 of 100 are at most so long.
    let percentile95: Int
    let longest: Int

    init(_ lengths: [Int]) {
        let sorted = lengths.sorted()
        func share(_ percent: Int) -> Int {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * percent / 100)]
        }
        shortest = sorted.first ?? 0
        median = share(50)
        mean = Double(sorted.reduce(0, +)) / Double(max(1, sorted.count))
        percentile95 = share(95)
        longest = sorted.last ?? 0
    }

    func text(_ unit: String) -> String {
        "\(shortest) to \(longest) \(unit), mean \(NumberText.fixed(mean, decimals: 1)), "
            + "median \(median), 95 % up to \(percentile95)"
    }

    var json: [(key: String, value: JSON)] {
        [
            ("shortest", .int(shortest)), ("median", .int(median)), ("mean", .double(mean)),
            ("percentile_95", .int(percentile95)), ("longest", .int(longest)),
        ]
    }
}
