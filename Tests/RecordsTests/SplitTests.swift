import Files
import TestSupport
import Testing

@testable import Records

/// What numpy and datasets answer, and for batches torch and sentence-transformers; made by the
/// programs in `Goldens`.
enum Goldens {
    static func cases(_ part: String, in name: String = "datasets.json") throws -> [JSON] {
        try #require(try JSON(contentsOf: folder + "/" + name)[part]?.array)
    }

    static var folder: String { (FileBytes.parent(of: #filePath) ?? ".") + "/Goldens" }

    /// Whether `rows` are those that `golden` has whole, or the ends and the sum of.
    static func matches(_ rows: [Int], _ golden: JSON?) -> Bool {
        if let all = golden?["all"]?.array { return all.map(\.int) == rows }
        let total = rows.enumerated().reduce(UInt64(0)) {
            $0 &+ UInt64($1.offset + 1) &* UInt64($1.element)
        }
        return golden?["count"]?.int == rows.count
            && golden?["head"]?.array?.map(\.int) == Array(rows.prefix(6))
            && golden?["tail"]?.array?.map(\.int) == Array(rows.suffix(6))
            && golden?["sum"]?.string == "\(total)"
    }
}

@Suite struct SplitTests {
    func numbered(_ count: Int) -> Dataset {
        Dataset(pairs: (0..<count).map { PairRecord(text: "\($0)", textPos: "p\($0)") })
    }

    func rows(_ data: Dataset?) -> [Int] { (data?.records.columns[0] ?? []).compactMap { Int($0) } }

    func seed(_ golden: JSON) -> UInt64 { golden["seed"]?.string.flatMap { UInt64($0) } ?? 42 }

    @Test func wordsAreNumPys() throws {
        for golden in try Goldens.cases("words") {
            var random = NumPyGenerator(seed: seed(golden))
            for draw in try #require(golden["drawn"]?.array) {
                let value = draw.array?[0].int == 32 ? UInt64(random.next32()) : random.next64()
                #expect("\(value)" == draw.array?[1].string, "seed \(seed(golden))")
            }
        }
    }

    @Test func boundedDrawsAreNumPys() throws {
        for golden in try Goldens.cases("bounded") {
            var random = NumPyGenerator(seed: seed(golden))
            let limit = try #require(golden["limit"]?.string.flatMap { UInt64($0) })
            let drawn = (0..<12).map { _ in "\(random.next(through: limit))" }
            #expect(drawn == golden["drawn"]?.array?.map(\.string), "\(seed(golden)), \(limit)")
        }
        var random = NumPyGenerator(seed: 0)
        #expect(random.next(through: 0) == 0)
        _ = random.next(through: .max)
    }

    @Test func permutationsAreNumPys() throws {
        for golden in try Goldens.cases("permutations") {
            var random = NumPyGenerator(seed: seed(golden))
            let count = try #require(golden["count"]?.int)
            #expect(
                Goldens.matches(random.permutation(of: count), golden["order"]),
                "seed \(seed(golden)), \(count) rows")
        }
    }

    @Test func splitsAreThoseOfDatasets() throws {
        func size(_ value: JSON?) -> SplitSize? {
            guard case .number(let text) = value else { return nil }
            return Int(text).map(SplitSize.rows) ?? Double(text).map(SplitSize.share)
        }
        for golden in try Goldens.cases("splits") {
            let data = numbered(try #require(golden["count"]?.int))
            do {
                let parts = try data.trainTestSplit(
                    testSize: size(golden["test_size"]), trainSize: size(golden["train_size"]),
                    seed: seed(golden), shuffle: golden["shuffle"]?.bool ?? true)
                #expect(parts.names == ["train", "test"])
                #expect(Goldens.matches(rows(parts.train), golden["train"]), "\(golden.text())")
                #expect(Goldens.matches(rows(parts.test), golden["test"]), "\(golden.text())")
            } catch {
                #expect(golden["error"] != nil, "\(error) for \(golden.text())")
            }
        }
    }

    @Test func saysWhatIsImpossible() throws {
        func message(
            _ count: Int, test: SplitSize? = nil, train: SplitSize? = nil
        ) -> String {
            fileError { _ = try numbered(count).trainTestSplit(testSize: test, trainSize: train) }?
                .description ?? ""
        }
        #expect(
            message(10, test: 10)
                == "records: cannot split 10 rows with 10 rows for test; give a share above 0 and "
                + "below 1, such as 0.1, or a number of rows from 1 to 9")
        #expect(message(10, train: 0.0).contains("with a share of 0.0 for train"))
        #expect(message(10, test: .share(.nan)).contains("with a share of nan for test"))
        #expect(message(0).contains("cannot split 0 rows"))
        #expect(message(0, test: 0.5).contains("cannot split 0 rows"))
        #expect(message(1).contains("into 0 to train and 1 to test; each part needs"))
        #expect(message(9, test: 5, train: 5).contains("into 5 to train and 5 to test; make one"))
        #expect(message(9, test: 0.5, train: 0.6).contains("shares of 0.6 to train and 0.5"))
    }

    @Test func saysWhichPartItIs() throws {
        let parts = try numbered(10).trainTestSplit(testSize: 0.25, seed: 7)
        #expect(try parts.split("test").provenance.part == "test part, split 7 to 3 with seed 7")
        let plain = try numbered(10).trainTestSplit(testSize: 2, shuffle: false)
        #expect(plain.train?.provenance.part == "train part, split 8 to 2 without shuffling")
        #expect(rows(plain.test) == [8, 9])
    }
}
