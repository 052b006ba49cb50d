/// Parameters of a model that are called alike and train alike, as in `encoder.layer.0-5.output.dense.weight`.
struct WeightGroup: Equatable {
    /// The name, with the numbers in it as ranges.
    var pattern: String
    /// How many parameters.
    var tensors: Int
    /// How many numbers they hold.
    var count: Int
    /// How many of those train.
    var training: Int
    /// The learning rate of those.
    var learningRate: Double
    /// Their weight decay.
    var weightDecay: Double

    private struct Key: Hashable {
        /// The name with nothing for each number, as bytes: names are data.
        var name: [UInt8]
        /// Whether none, some or all of the numbers train.
        var trains: Int
        var learningRate: Double
        var weightDecay: Double
    }

    /// Groups `weights` in the order in which each group first appears.
    static func groups(of weights: [WeightRow]) -> [WeightGroup] {
        var order: [Key] = []
        var members: [Key: [WeightRow]] = [:]
        for weight in weights {
            let name = parts(weight.name).map { $0.number == nil ? $0.text : "" }
            let trains = weight.training == 0 ? 0 : weight.training < weight.count ? 1 : 2
            let key = Key(
                name: Array(name.joined(separator: ".").utf8), trains: trains,
                learningRate: trains == 0 ? 0 : weight.learningRate,
                weightDecay: trains == 0 ? 0 : weight.weightDecay)
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(weight)
        }
        return order.map { key in
            let rows = members[key] ?? []
            return WeightGroup(
                pattern: pattern(rows.map(\.name)), tensors: rows.count,
                count: rows.reduce(0) { $0 + $1.count },
                training: rows.reduce(0) { $0 + $1.training }, learningRate: key.learningRate,
                weightDecay: key.weightDecay)
        }
    }

    private static func parts(_ name: String) -> [(text: String, number: Int?)] {
        name.split(separator: ".", omittingEmptySubsequences: false).map { part in
            (String(part), part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil)
        }
    }

    /// The name that `names`, which differ in numbers only, have in common.
    private static func pattern(_ names: [String]) -> String {
        let all = names.map(parts)
        guard let first = all.first else { return "" }
        return first.indices.map { index in
            guard first[index].number != nil else { return first[index].text }
            return ranges(Set(all.compactMap { $0[index].number }).sorted())
        }.joined(separator: ".")
    }

    /// `0-5` or `0,2,4-6`; a star where that would be long.
    private static func ranges(_ numbers: [Int]) -> String {
        var out: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = out.last, last.upperBound + 1 == number {
                out[out.count - 1] = last.lowerBound...number
            } else {
                out.append(number...number)
            }
        }
        if out.count > 4 { return "*" }
        return out.map {
            $0.lowerBound == $0.upperBound
                ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        }.joined(separator: ",")
    }
}
