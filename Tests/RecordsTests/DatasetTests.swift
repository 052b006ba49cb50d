import Files
import Records
import TestSupport
import Testing

@Suite struct DatasetTests {
    func numbered(_ count: Int) -> Dataset {
        Dataset(pairs: (0..<count).map { PairRecord(text: "\($0)", textPos: "p\($0)") })
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

    @Test func renamesFields() throws {
        let scored = Dataset(scoredPairs: [
            ScoredPairRecord(sentence1: "a", sentence2: "b", label: 0.25),
            ScoredPairRecord(sentence1: "c", sentence2: "d", label: 1),
        ])
        #expect(
            try scored.rename([("sentence1", "text_pos"), ("sentence2", "text")]).records
                == .pairs([
                    PairRecord(text: "b", textPos: "a"), PairRecord(text: "d", textPos: "c"),
                ]))
        #expect(try scored.rename([]).records == scored.records)
        let triplets = Dataset(triplets: [TripletRecord(text: "a", textPos: "b", textNeg: "c")])
        #expect(try triplets.rename([("text_neg", "unused")]).kind == .pair)
        #expect(
            try triplets.rename([("text_pos", "text_neg"), ("text_neg", "text_pos")]).records
                == .triplets([TripletRecord(text: "a", textPos: "c", textNeg: "b")]))
        func message(_ data: Dataset, _ names: [(old: String, new: String)]) -> String {
            fileError { _ = try data.rename(names) }?.description ?? ""
        }
        #expect(message(triplets, [("q", "text")]).contains("cannot rename the column q"))
        #expect(message(triplets, [("text", "q")]).contains("no column text"))
        #expect(
            message(scored, [("label", "text"), ("sentence1", "text_pos"), ("sentence2", "x")])
                == "records: row 1: label must be a string, found 0.25; put the text in quotes")
        #expect(message(Dataset(pairs: []), [("text", "x")]).contains("no rows"))
        let loaded = try load("a.csv", "question,answer\na,b\n")
        #expect(
            try loaded.rename([("text", "text_pos"), ("text_pos", "text")]).description.hasSuffix(
                "text (question), text_pos (answer) -> pairs, renamed to text (text_pos), "
                    + "text_pos (text) -> pairs"))
    }
}
