import Files
import TestSupport
import Testing

@testable import Records

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct DatasetDictionaryTests {
    func pairs(_ texts: String...) -> Dataset {
        Dataset(pairs: texts.map { PairRecord(text: $0, textPos: "p") })
    }

    @Test func isAnOrderedDictionary() throws {
        var data: DatasetDictionary = ["test": pairs("c"), "train": pairs("a", "b")]
        #expect(data.names == ["test", "train"])
        #expect(data.count == 2 && !data.isEmpty)
        #expect(data.train?.count == 2)
        #expect(data["test"]?.records.columns[0] == ["c"])
        #expect(data.validation == nil)
        #expect(data["Train"] == nil)
        data["val"] = pairs("d")
        data["test"] = nil
        data["train"] = pairs("e")
        #expect(data.names == ["train", "val"])
        #expect(data.validation?.records.columns[0] == ["d"])
        #expect(data.train?.records.columns[0] == ["e"])
        data["none"] = nil
        #expect(data.count == 2)
        #expect(data.description == "train: 1 pairs\nval: 1 pairs")
        #expect(
            fileError { _ = try data.split("test") }?.description
                == "dataset: there is no split test; the splits are train, val")
        #expect(DatasetDictionary().isEmpty)
        #expect(DatasetDictionary([(name: "train", dataset: pairs("a"))]).train?.count == 1)
        // Keys are bytes.
        data = ["\u{E9}": pairs("a"), "e\u{301}": pairs("b")]
        #expect(data.count == 2)
    }

    @Test func validationIsChosenAsUniemDoes() {
        var data: DatasetDictionary = ["val": pairs("1"), "valid": pairs("2")]
        #expect(data.validation?.records.columns[0] == ["2"])
        data["validation"] = pairs("3")
        #expect(data.validation?.records.columns[0] == ["3"])
        data["dev"] = pairs("4")
        #expect(data.validation?.records.columns[0] == ["4"])
    }

    @Test func namesSayWhichSplitAFileIs() throws {
        for golden in try Goldens.cases("folders") {
            let files = try #require(golden["files"]?.array).compactMap(\.string)
            let scratch = try Scratch()
            for file in files {
                if let parent = FileBytes.parent(of: file) {
                    try FileBytes.makeFolder(scratch.path + "/" + parent)
                }
                _ = try scratch.file(file, "a b\tc\n")
            }
            var expected: [[String]] = []
            for split in try #require(golden["splits"]?.array) {
                let parts = try #require(split.array)
                expected.append(
                    [try #require(parts[0].string)]
                        + (parts[1].array ?? []).compactMap(\.string).map {
                            scratch.path + "/" + $0
                        })
            }
            do {
                let folder = try SplitFolder(scratch.path)
                #expect(folder.splits.map { [$0.name] + $0.files } == expected, "\(files)")
                let seen = folder.splits.flatMap(\.files) + folder.skipped
                #expect(seen.count == Set(seen).count, "\(files)")
            } catch {
                // datasets puts such a file in both.
                #expect(error.problem.contains("could mean the split train or validation"))
                #expect(Set(expected.flatMap { $0.dropFirst() }).count == 1, "\(files)")
            }
        }
    }

    @Test func capitalsAreRead() throws {
        let scratch = try Scratch()
        for name in ["Train.TSV", "DEV.tsv"] { _ = try scratch.file(name, "a b\tc\n") }
        #expect(try SplitFolder(scratch.path).splits.map(\.name) == ["train", "validation"])
    }

    @Test func loadsAFolder() throws {
        let scratch = try Scratch()
        _ = try scratch.file("train_0.csv", "q,answer,lang\na,b,en\nc,d,de\n")
        _ = try scratch.file("train_1.csv", "q,answer,lang\ne,f,en\n")
        _ = try scratch.file("dev.jsonl", #"{"q": "g", "answer": "h", "lang": "en"}"#)
        _ = try scratch.file("other.tsv", "x\ty\n")
        _ = try scratch.file("README.md", "about")
        let data = try DatasetDictionary.load(scratch.path, rename: [("q", "text")])
        #expect(data.names == ["train", "validation"])
        #expect(data.train?.records.columns[0] == ["a", "c", "e"])
        #expect(data.validation?.count == 1)
        #expect(
            data.skippedFiles == [scratch.path + "/README.md", scratch.path + "/other.tsv"])
        #expect(
            data.description.hasPrefix(
                "train: 3 pairs\n    \(scratch.path)/train_0.csv: 2 rows (CSV), text (q), text_pos "
                    + "(answer) -> pairs; ignored: lang\n"))
        let english = try DatasetDictionary.load(
            scratch.path + "#lang=en", rename: [("q", "text")])
        #expect(english.train?.records.columns[0] == ["a", "e"])
        let error = fileError { _ = try DatasetDictionary.load(scratch.path) }
        #expect(error?.path == scratch.path + "/train_0.csv")
    }

    @Test func loadsOneFileOrAPathForEachSplit() throws {
        let scratch = try Scratch()
        let file = try scratch.file(
            "a.tsv", "part\ttext\ttext_pos\n1\ta\tb\n2\tc\td\n2\te\tf\n")
        #expect(try DatasetDictionary.load(file).names == ["train"])
        #expect(try DatasetDictionary.load(file + "," + file).train?.count == 6)
        #expect(try DatasetDictionary.load(file + "#part=2").train?.count == 2)
        let data = try DatasetDictionary.load(["train": file + "#part=2", "dev": file + "#part=1"])
        #expect(data.names == ["train", "dev"])
        #expect(data.train?.count == 2 && data.validation?.count == 1)
        let missing = scratch.path + "/none"
        #expect(
            fileError { _ = try DatasetDictionary.load(missing) }?.description
                == missing + ": no such file or folder; check the path")
        try FileBytes.makeFolder(scratch.path + "/empty")
        #expect(
            fileError { _ = try DatasetDictionary.load(scratch.path + "/empty") }?.problem
                == "the folder has no file of a known format")
    }

    @Test func renamesEverySplit() throws {
        let data: DatasetDictionary = ["train": pairs("a"), "test": pairs("b")]
        let swapped = try data.rename([("text", "text_pos"), ("text_pos", "text")])
        #expect(swapped.names == ["train", "test"])
        #expect(swapped.test?.records.columns == [["p"], ["b"]])
    }

    @Test func aFolderLinkedIntoItselfEnds() throws {
        let scratch = try Scratch()
        _ = try scratch.file("a.tsv", "a b\tc\n")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path + "/loop", withDestinationPath: scratch.path)
        #expect(
            fileError { _ = try SplitFolder(scratch.path) }?.problem
                == "folders lie more than 32 deep")
    }
}
