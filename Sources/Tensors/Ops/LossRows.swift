#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a loss says of each row of its batch.
public struct LossRow: Sendable, Equatable {
    /// What the row adds to the loss, times the number of rows.
    public var loss: Double
    /// The cosine of the row's text and its positive, or of its two sentences.
    public var similarity: Double
    /// The place of the positive among the candidates, from 1; `nil` where there are none.
    public var rank: Int?
    /// How many negatives are closer to the text than its positive is.
    public var closerNegatives = 0
    /// The row of the closest negative; `nil` where there is none.
    public var closestNegative: Int?
}

extension LossRow {
    /// The rows of ``Tape/inBatchLoss(_:_:form:temperature:)``, or of
    /// ``Tape/tripletLoss(_:_:_:form:temperature:)`` with its `positives`.
    ///
    /// The mean of their losses is the loss, up to rounding.
    public static func contrastive(
        _ anchors: Tensor, positives: Tensor? = nil, _ candidates: Tensor, form: ContrastiveForm,
        temperature: Double
    ) -> [LossRow] {
        let (a, c) = (NormalizedRows(anchors), NormalizedRows(candidates))
        let scores = a.cosines(with: c)
        let own = a.pairedCosines(with: positives.map { NormalizedRows($0) } ?? c)
        let count = c.count
        return (0..<a.count).map { row in
            let line = scores.pointer + row * count
            let mine = own.pointer[row]
            var (closer, closest, highest) = (0, -1, mine)
            for j in 0..<count where positives != nil || j != row {
                if line[j] > mine { closer += 1 }
                if closest < 0 || line[j] > line[closest] { closest = j }
                highest = max(highest, line[j])
            }
            var sum = 0.0
            for j in 0..<count where positives != nil || j != row {
                switch form {
                case .softmax: sum += exp((line[j] - highest) / temperature)
                case .sigmoid: sum += softplus((line[j] - mine) / temperature)
                }
            }
            let negatives = Double(positives == nil ? count - 1 : count)
            let loss =
                switch form {
                case .softmax:
                    log(sum + exp((mine - highest) / temperature)) - (mine - highest) / temperature
                case .sigmoid: sum / max(1, negatives)
                }
            return LossRow(
                loss: loss, similarity: mine, rank: closer + 1, closerNegatives: closer,
                closestNegative: closest < 0 ? nil : closest)
        }
    }

    /// The rows of ``Tape/coSENTLoss(_:_:labels:temperature:)``: the loss is shared out by how much weight the
    /// ordered pairs that a row takes part in have, half to each of the two rows.
    public static func coSENT(
        _ a: Tensor, _ b: Tensor, labels: [Double], temperature: Double
    ) -> [LossRow] {
        let cosines = NormalizedRows(a).pairedCosines(with: NormalizedRows(b))
        let count = labels.count
        let s = UnsafeBufferPointer(start: cosines.pointer, count: count)
        guard let highest = s.max(), let lowest = s.min() else { return [] }
        // exp((s_i - s_j) / t) with the largest exponent taken out.
        let top = max(0, (highest - lowest) / temperature)
        var (weights, total) = (Array(repeating: 0.0, count: count), exp(-top))
        for i in 0..<count {
            for j in 0..<count where labels[i] < labels[j] {
                let weight = exp((s[i] - s[j]) / temperature - top)
                weights[i] += weight / 2
                weights[j] += weight / 2
                total += weight
            }
        }
        let loss = log(total) + top
        return (0..<count).map { row in
            LossRow(
                loss: loss * weights[row] / total * Double(count), similarity: s[row], rank: nil)
        }
    }

    private static func softplus(_ x: Double) -> Double {
        x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
    }
}
