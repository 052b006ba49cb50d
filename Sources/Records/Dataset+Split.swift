public import Files

/// How large a part of a data set is: a share of its rows, or a number of them.
public enum SplitSize: Sendable, Equatable {
    /// A share above 0 and below 1.
    case share(Double)
    /// A number of rows, at least 1 and fewer than all.
    case rows(Int)

    /// As an error names it.
    fileprivate var text: String {
        switch self {
        case .share(let share): "a share of \(share)"
        case .rows(let rows): "\(rows) rows"
        }
    }
}

extension SplitSize: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// A share.
    public init(floatLiteral value: Double) { self = .share(value) }
    /// A number of rows.
    public init(integerLiteral value: Int) { self = .rows(value) }
}

extension Dataset {
    /// Splits the rows in two, `train` and `test`: the very rows in the very order that Hugging
    /// Face's `datasets.Dataset.train_test_split` gives for the same sizes and seed.
    ///
    /// A share of the rows for `test` is rounded up, one for `train` down. Where one size is not
    /// given, that part gets the other rows; where none is, `test` gets a quarter. The rows are
    /// shuffled as by `np.random.default_rng(seed).permutation(count)`: `test` has the first of
    /// that order, `train` those that follow. Without shuffling `train` has the first rows and
    /// `test` those that follow.
    ///
    /// - Parameters:
    ///   - testSize: How large `test` is: `0.1` (a share) or `500` (rows).
    ///   - trainSize: How large `train` is.
    ///   - seed: Where the order comes from.
    ///   - shuffle: Whether the rows are shuffled.
    /// - Throws: A ``FileError`` where a part would have no row or the parts more than there are.
    ///   (`datasets` hands an empty data set back as it is; here that is an error too.)
    public func trainTestSplit(
        testSize: SplitSize? = nil, trainSize: SplitSize? = nil, seed: UInt64 = 42,
        shuffle: Bool = true
    ) throws(FileError) -> DatasetDictionary {
        let (trainCount, testCount) = try partSizes(test: testSize, train: trainSize)
        var order = Array(0..<count)
        var testRows = trainCount..<trainCount + testCount
        var trainRows = 0..<trainCount
        if shuffle {
            var random = NumPyGenerator(seed: seed)
            order = random.permutation(of: count)
            testRows = 0..<testCount
            trainRows = testCount..<testCount + trainCount
        }
        var train = provenance
        var test = train
        let rule =
            "split \(trainCount) to \(testCount) "
            + (shuffle ? "with seed \(seed)" : "without shuffling")
        train.part = "train part, " + rule
        test.part = "test part, " + rule
        return [
            "train": Dataset(records[order[trainRows]], provenance: train),
            "test": Dataset(records[order[testRows]], provenance: test),
        ]
    }

    /// How many rows each part has.
    private func partSizes(
        test: SplitSize?, train: SplitSize?
    ) throws(FileError) -> (train: Int, test: Int) {
        func failure(_ problem: String, _ remedy: String) -> FileError {
            FileError(path: name, problem: problem, remedy: remedy)
        }
        for (part, size) in [("test", test), ("train", train)] {
            let isPossible: Bool =
                switch size {
                case nil: true
                case .share(let share): share > 0 && share < 1
                case .rows(let rows): rows > 0 && rows < count
                }
            guard isPossible, count > 0 else {
                throw failure(
                    "cannot split \(count) rows with \(size?.text ?? "the rest") for \(part)",
                    "give a share above 0 and below 1, such as 0.1, or a number of rows from 1 to "
                        + "\(max(count - 1, 1))")
            }
        }
        if case .share(let test) = test, case .share(let train) = train, test + train > 1 {
            throw failure(
                "cannot split off shares of \(train) to train and \(test) to test",
                "the two can be 1 together")
        }
        let all = Double(count)
        var testCount: Int?
        var trainCount: Int?
        switch test {
        case .share(let share): testCount = Int((share * all).rounded(.up))
        case .rows(let rows): testCount = rows
        case nil: if train == nil { testCount = Int((0.25 * all).rounded(.up)) }
        }
        switch train {
        case .share(let share): trainCount = Int((share * all).rounded(.down))
        case .rows(let rows): trainCount = rows
        case nil: break
        }
        let sizes = (
            train: trainCount ?? count - (testCount ?? 0),
            test: testCount ?? count - (trainCount ?? 0)
        )
        guard sizes.train <= count - sizes.test else {
            throw failure(
                "cannot split \(count) rows into \(sizes.train) to train and \(sizes.test) to test",
                "make one part smaller; the two can have \(count) rows together")
        }
        guard sizes.train > 0 else {
            throw failure(
                "cannot split \(count) rows into \(sizes.train) to train and \(sizes.test) to test",
                "each part needs at least one row; give other sizes, or more data")
        }
        return sizes
    }

    /// What messages call this data set.
    var name: String {
        provenance.sources.isEmpty
            ? "records" : provenance.sources.map(\.path).joined(separator: ",")
    }
}
