public import Files

extension Dataset {
    /// Splits off a share of the rows for testing.
    ///
    /// The test part has `testShare * count` rows, rounded to the nearest whole number, at least 1
    /// and at most `count - 1`; which rows is a pure function of (count, number of test rows,
    /// seed), the same on every platform: the first rows of a Fisher-Yates shuffle drawn from a
    /// SplitMix64 stream of the seed. Within each part rows keep their order. Throws a
    /// ``FileError`` unless there are two rows and `0 < testShare < 1`.
    public func split(
        testShare: Double, seed: UInt64
    ) throws(FileError) -> (train: Dataset, test: Dataset) {
        guard testShare > 0, testShare < 1 else {
            throw FileError(
                path: name, problem: "cannot split off a share of \(testShare) for testing",
                remedy: "give a share above 0 and below 1, such as 0.1")
        }
        let wanted = Int((Double(count) * testShare).rounded(.toNearestOrAwayFromZero))
        return try split(testCount: min(max(wanted, 1), max(count - 1, 1)), seed: seed)
    }

    /// Splits off `testCount` rows for testing, by the rule of ``split(testShare:seed:)``.
    ///
    /// Throws a ``FileError`` unless each part gets a row: `1 <= testCount < count`.
    public func split(
        testCount: Int, seed: UInt64
    ) throws(FileError) -> (train: Dataset, test: Dataset) {
        guard testCount >= 1, testCount < count else {
            throw FileError(
                path: name,
                problem: "cannot split \(count) rows into \(testCount) for testing and the rest",
                remedy: "each part needs at least one row")
        }
        // "split" in ASCII.
        var random = SplitMix64(seed: seed, stream: 0, use: 0x73_706C_6974)
        var isTest = [Bool](repeating: false, count: count)
        for index in random.permutation(of: count).prefix(testCount) { isTest[index] = true }
        var train = provenance
        var test = train
        let rule = "split \(count - testCount) to \(testCount) with seed \(seed)"
        train.part = "train part, " + rule
        test.part = "test part, " + rule
        return (
            Dataset(records[(0..<count).filter { !isTest[$0] }], provenance: train),
            Dataset(records[(0..<count).filter { isTest[$0] }], provenance: test)
        )
    }

    /// What messages call this data set.
    private var name: String {
        provenance.sources.isEmpty
            ? "records" : provenance.sources.map(\.path).joined(separator: ",")
    }
}
