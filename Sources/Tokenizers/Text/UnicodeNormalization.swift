/// The four Unicode normalization forms, with what each new character does to the old ones.
extension NormalizedText {
    /// NFD, or NFKD.
    mutating func decompose(compatibility: Bool) { transform(decomposed(compatibility)) }

    /// NFC, or NFKC.
    mutating func compose(compatibility: Bool) {
        transform(Self.recomposed(decomposed(compatibility)))
    }

    private func decomposed(_ compatibility: Bool) -> [Change] {
        var changes: [Change] = []
        var classes: [UInt8] = []
        for scalar in scalars {
            let start = changes.count
            func add(_ part: Unicode.Scalar) {
                changes.append((part, changes.count == start ? 0 : 1))
                classes.append(part.combiningClass)
            }
            if Hangul.syllables.contains(scalar.value) {
                Hangul.decompose(scalar.value, add)
            } else if compatibility, let parts = Decompositions.compatibility[scalar] {
                parts.forEach(add)
            } else if let parts = Decompositions.canonical[scalar] {
                parts.forEach(add)
            } else {
                add(scalar)
            }
        }
        // Canonical order: each run of marks by class, equal classes as they stand.
        var start = 0
        while start < changes.count {
            var end = start
            while end < changes.count, classes[end] != 0 { end += 1 }
            if end - start > 1 {
                let order = (start..<end).sorted { (classes[$0], $0) < (classes[$1], $1) }
                let sorted = order.map { changes[$0] }
                let sortedClasses = order.map { classes[$0] }
                changes.replaceSubrange(start..<end, with: sorted)
                classes.replaceSubrange(start..<end, with: sortedClasses)
            }
            start = max(end, start) + 1
        }
        return changes
    }

    private static func recomposed(_ changes: [Change]) -> [Change] {
        var result: [Change] = []
        result.reserveCapacity(changes.count)
        var starter: Int?
        var lastClass: UInt8?
        for next in changes {
            let nextClass = next.scalar.combiningClass
            if let starter {
                // Blocked by a mark between of the same or a higher class.
                let isBlocked = lastClass.map { $0 >= nextClass } ?? false
                if !isBlocked,
                    let composite = Decompositions.compose(result[starter].scalar, next.scalar)
                {
                    let change = result[starter].change + next.change - 1
                    result[starter] = (composite, change)
                    continue
                }
            }
            if nextClass == 0 {
                starter = result.count
                lastClass = nil
            } else {
                lastClass = nextClass
            }
            result.append(next)
        }
        return result
    }
}
