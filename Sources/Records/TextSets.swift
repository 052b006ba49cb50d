/// For each row, the set of its texts that other rows have too: what keeps rows out of each other's
/// batches.
///
/// Sets are numbered. A set is another, its ``parent``, and one text more, the rarest of it; so
/// rows whose common texts are the same share sets, however their other texts differ.
struct TextSets {
    /// Where there is no set.
    static let none: Int32 = -1
    /// The set of each row; ``none`` where all its texts are its own.
    private(set) var setOfRow: [Int32] = []
    /// The set without its rarest text; ``none`` for a set of one text.
    private(set) var parent: [Int32] = []
    /// The set of the rarest text alone; a set of one text is its own.
    private(set) var rarest: [Int32] = []
    /// Whether more than one row has the set or a set that grew from it.
    private(set) var isCommon: [Bool] = []

    /// How many sets there are.
    var count: Int { parent.count }

    init(_ texts: TextIDs) {
        var rows = [Int32](repeating: 0, count: texts.distinctCount)
        var distinct: [Int32] = []
        for row in 0..<texts.rowCount {
            Self.gather(texts[row], into: &distinct)
            for text in distinct { rows[Int(text)] += 1 }
        }
        var single = [Int32](repeating: Self.none, count: texts.distinctCount)
        for (text, count) in rows.enumerated() where count > 1 {
            single[text] = add(parent: Self.none)
        }
        var grown: [UInt64: Int32] = [:]
        setOfRow.reserveCapacity(texts.rowCount)
        for row in 0..<texts.rowCount {
            Self.gather(texts[row], into: &distinct)
            distinct.removeAll { single[Int($0)] == Self.none }
            distinct.sort { a, b in
                let (left, right) = (rows[Int(a)], rows[Int(b)])
                return left == right ? a < b : left > right
            }
            var set = Self.none
            for text in distinct {
                let last = single[Int(text)]
                if set == Self.none {
                    set = last
                } else {
                    let key = UInt64(set) << 32 | UInt64(last)
                    if let known = grown[key] {
                        set = known
                        isCommon[Int(set)] = true
                    } else {
                        set = add(parent: set, rarest: last)
                        grown[key] = set
                    }
                }
            }
            setOfRow.append(set)
        }
    }

    /// Adds a set; one without a parent is of one text, and common.
    private mutating func add(parent: Int32, rarest: Int32? = nil) -> Int32 {
        let set = Int32(count)
        self.parent.append(parent)
        self.rarest.append(rarest ?? set)
        isCommon.append(rarest == nil)
        return set
    }

    /// `texts`, each once.
    private static func gather(_ texts: ArraySlice<Int32>, into distinct: inout [Int32]) {
        distinct.removeAll(keepingCapacity: true)
        for text in texts where !distinct.contains(text) { distinct.append(text) }
    }
}
