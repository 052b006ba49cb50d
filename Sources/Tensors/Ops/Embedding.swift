internal import CKernels

extension Tape {
    /// The sum of rows of tables: row `ids[i]` of each `table` [V, H], added up; returns [n, H].
    ///
    /// Gradients of tables are row-sparse. Traps where an id is out of range or numbers of ids differ.
    public mutating func embed(_ lookups: [(table: Tensor, ids: [Int32])]) -> Tensor {
        precondition(!lookups.isEmpty, "embed: no table")
        let (n, h) = (lookups[0].ids.count, lookups[0].table.shape.width)
        let y = Tensor(uninitialized: [n, h])
        for (index, lookup) in lookups.enumerated() {
            let rows = Int32(lookup.table.shape.rows)
            precondition(
                lookup.ids.count == n && lookup.table.shape == [Int(rows), h],
                "embed: \(lookup.ids.count) ids in table \(lookup.table.shape), expected \(n) of width \(h)"
            )
            precondition(
                lookup.ids.allSatisfy { $0 >= 0 && $0 < rows },
                "embed: id out of range 0 ..< \(rows) in table \(index)")
            let table = lookup.table.buffer.pointer(toRows: lookup.ids)
            k_gather_rows(y.pointer, table, lookup.ids, Int64(n), Int64(h), index > 0)
        }
        let ids = lookups.map(\.ids)
        return record(y, from: lookups.map(\.table)) { dy, sweep in
            for (index, ids) in ids.enumerated() { sweep.addRows(dy, ids: ids, to: index) }
        }
    }
}
