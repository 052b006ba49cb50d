import Files
import Records
import TestSupport
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.enabled(if: SharedReference.isAvailable)) struct RealDataTests {
    func path(_ name: String) throws -> String { try SharedReference.path("datasets/" + name) }

    @Test(arguments: [("train", 5749), ("dev", 1500), ("test", 1379)])
    func stsBenchmark(split: String, count: Int) throws {
        let data = try Dataset.load(try path("stsb-en/stsbenchmark.tsv.gz") + "#split=\(split)")
        #expect(data.count == count)
        #expect(data.kind == .scoredPair)
        let source = data.provenance.sources[0]
        #expect(source.rowCount == 8628)
        #expect(source.recognition == "sentence1, sentence2, label (score) -> scored pairs")
        #expect(source.ignoredColumns == ["genre", "dataset", "year", "sid"])
        if split == "train" {
            #expect(
                data.records[1]
                    == .scoredPair(
                        ScoredPairRecord(
                            sentence1: "A man is playing a large flute.",
                            sentence2: "A man is playing a flute.", label: 3.8)))
        }
        let labels = data.records.labels ?? []
        #expect(labels.allSatisfy { (0...5).contains($0) } && Set(labels).count > 20)
    }

    @Test(arguments: [("train", 5231), ("valid", 1458), ("test", 1361)])
    func chineseSTS(name: String, count: Int) throws {
        let data = try Dataset.load(try path("stsb-zh/\(name).data"))
        #expect(data.count == count)
        #expect(data.kind == .scoredPair)
        #expect(data.provenance.sources[0].format == "TSV without header")
    }

    @Test func chineseSTSFolder() throws {
        #expect(try Dataset.load(try path("stsb-zh")).count == 5231 + 1458 + 1361)
    }

    @Test func riddle() throws {
        let file = try path("riddle/riddle.jsonl")
        let data = try Dataset.load(
            file, rename: [("instruction", "text"), ("output", "text_pos")])
        #expect(data.count == 1000)
        #expect(data.kind == .pair)
        #expect(data.records[0].texts[1] == "谜底：白羊")
        let error = #expect(throws: FileError.self) { try Dataset.load(file) }
        #expect(error?.problem == "none of the columns is known: instruction, output")
    }

    @Test func snli() throws {
        let file = try path("nli-zh/snli_zh_50.jsonl")
        let renamed = try Dataset.load(
            file, rename: [("text1", "sentence1"), ("text2", "sentence2")])
        #expect(renamed.count == 53)
        #expect(renamed.kind == .scoredPair)
        #expect(Set(renamed.records.labels ?? []) == [0, 1])
        #expect(try Dataset.load(file).fingerprint == renamed.fingerprint)
    }

    @Test func medi() throws {
        let data = try Dataset.load(try path("medi/mini_medi.json"))
        #expect(data.kind == .triplet && data.count == 29)
        #expect(
            data.records[0].texts[0]
                == "Represent the Wikipedia question for retrieving relevant documents;\n"
                + "big little lies season 2 how many episodes")
        #expect(data.provenance.sources[0].ignoredColumns == ["task_name"])
        let pairs = try Dataset.load(
            try path("medi/mini_medi.json"), rename: [("neg", "unused")])
        #expect(pairs.kind == .pair && pairs.count == 29)
    }

    @Test func flagEmbedding() throws {
        let data = try Dataset.load(try path("bge/finetune_data.jsonl"))
        #expect(data.kind == .triplet && data.count == 27010)
        #expect(data.provenance.sources[0].selectedRowCount == 2701)
        #expect(
            data.records[11].texts
                == ["一个男人在吹一支大笛子。", "一个人在吹长笛。", "一个人在吹着摄像机。"])
    }

    @Test func trainAndTestAreFoundInAFolder() throws {
        let data = try DatasetDictionary.load(try path("stsb-zh"))
        #expect(data.names == ["train", "validation", "test"])
        #expect(data.splits.map(\.dataset.count) == [5231, 1458, 1361])
    }
}

@Suite struct SampleDataTests {
    func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Datasets/" + name
    }

    @Test(arguments: [
        ("scored_pairs", "jsonl", RecordKind.scoredPair, 1600, 400),
        ("pairs", "jsonl", .pair, 800, 200), ("triplets", "tsv", .triplet, 800, 200),
    ])
    func samplesLoad(
        name: String, ending: String, kind: RecordKind, train: Int, test: Int
    ) throws {
        var seen: Set<[String]> = []
        for (part, count) in [("train", train), ("test", test)] {
            let file = path("\(name).\(part).\(ending)")
            let data = try Dataset.load(file)
            #expect(data.kind == kind)
            #expect(data.count == count)
            #expect(data.provenance.sources[0].ignoredColumns == ["language"])
            for index in 0..<count { seen.insert(data.records[index].texts.sorted()) }
            let chinese = try Dataset.load(file + "#language=zh").count
            #expect(Double(chinese) > 0.4 * Double(count) && Double(chinese) < 0.6 * Double(count))
        }
        #expect(seen.count == train + test, "no row twice, none in both parts")
    }
}
