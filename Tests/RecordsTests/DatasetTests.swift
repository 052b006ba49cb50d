import Files
import Records
import Testing

@Suite struct DatasetTests {
    func numbered(_ count: Int) -> Dataset {
        Dataset(pairs: (0..<count).map { PairRecord(text: "\($0)", textPos: "p\($0)") })
    }

    @Test func splitNeverChanges() throws {
        // By an independent implementation in Python: the test rows of 10 at a share of 0.3.
        let (train, test) = try numbered(10).split(testShare: 0.3, seed: 42)
        #expect(test.records.columns[0] == ["1", "2", "4"])
        #expect(train.records.columns[0] == ["0", "3", "5", "6", "7", "8", "9"])
        #expect(test.provenance.part == "test part, split 7 to 3 with seed 42")
        #expect(
            try numbered(10).split(testCount: 3, seed: 7).test.records.columns[0] == [
                "0", "3", "8",
            ])
    }

    @Test(arguments: [(2, 0.001, 1), (2, 0.999, 1), (10, 0.25, 3), (5749, 0.1, 575), (3, 0.5, 2)])
    func splitGivesEachPartARow(count: Int, share: Double, expected: Int) throws {
        let (train, test) = try numbered(count).split(testShare: share, seed: 1)
        #expect(test.count == expected)
        #expect(train.count == count - expected)
        #expect(Set(train.records.columns[0] + test.records.columns[0]).count == count)
    }

    @Test func splitRefuses() throws {
        for share in [0, 1, -0.1, 1.5, Double.nan, .infinity] {
            #expect(throws: FileError.self) { try numbered(9).split(testShare: share, seed: 1) }
        }
        #expect(throws: FileError.self) { try numbered(1).split(testShare: 0.5, seed: 1) }
        #expect(throws: FileError.self) { try numbered(0).split(testShare: 0.5, seed: 1) }
        #expect(throws: FileError.self) { try numbered(3).split(testCount: 3, seed: 1) }
        #expect(throws: FileError.self) { try numbered(3).split(testCount: 0, seed: 1) }
    }

    @Test func fingerprintSeesEveryChange() {
        // By an independent implementation of FNV-1a in Python.
        let pair = Dataset(pairs: [PairRecord(text: "a", textPos: "b")])
        #expect(pair.fingerprint == 0xD678_AB98_8C7B_9AC5)
        #expect(pair.fingerprintText == "d678ab988c7b9ac5")
        func scored(_ text: String, _ label: Double) -> Dataset {
            Dataset(scoredPairs: [ScoredPairRecord(sentence1: text, sentence2: "b", label: label)])
        }
        #expect(scored("\u{E9}", 2.5).fingerprint == 0x395C_C5E4_74E4_CC86)
        #expect(scored("e\u{301}", 2.5).fingerprint != scored("\u{E9}", 2.5).fingerprint)
        #expect(scored("a", 2.5).fingerprint != scored("a", 2.25).fingerprint)
        let data = numbered(5)
        #expect(data.fingerprint != data.selecting([0, 1, 2, 4, 3]).fingerprint)
        #expect(
            Dataset(pairs: [PairRecord(text: "ab", textPos: "c")]).fingerprint
                != Dataset(pairs: [PairRecord(text: "a", textPos: "bc")]).fingerprint)
    }

    @Test func recordsAreCutIntoColumns() {
        let triplets = Records.triplets([
            TripletRecord(text: "a", textPos: "b", textNeg: "c"),
            TripletRecord(text: "d", textPos: "e", textNeg: "f"),
        ])
        #expect(triplets.texts == ["a", "d", "b", "e", "c", "f"])
        #expect(triplets.columns == [["a", "d"], ["b", "e"], ["c", "f"]])
        #expect(triplets.labels == nil)
        #expect(triplets[[1, 1]].columns[0] == ["d", "d"])
        #expect(triplets[0].texts == ["a", "b", "c"])
        #expect(RecordKind.triplet.textCount == 3)
    }

    @Test func equalityIsOfBytes() {
        #expect(
            PairRecord(text: "\u{E9}", textPos: "") != PairRecord(text: "e\u{301}", textPos: ""))
    }
}
