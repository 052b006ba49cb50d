import Files
import Foundation
import RunStore
import Testing
import Uniem

@testable import UniemCLI

@Suite("From a fresh model to vectors")
struct EndToEndTests {
    @Test("init makes a model that loads, and the same one from the same seed")
    func initialise() throws {
        let folder = try TemporaryFolder()
        let vocabulary = try folder.file(
            "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nÄ\nrain\n##s\n")
        let options = ["--vocab", vocabulary, "--hidden", "8", "--heads", "2", "--layers", "1"]
        for (name, more) in [("a", []), ("b", []), ("c", ["--seed", "7"]), ("d", ["--cased"])] {
            let run = try uniem(["init", folder.path + "/" + name] + options + more)
            #expect(run.status == 0 && run.output.isEmpty, "\(run.error)")
            #expect(run.error.contains("uniem finetune "))
        }
        func weights(_ name: String) throws -> [UInt8] {
            try FileBytes.read(folder.path + "/\(name)/model.safetensors")
        }
        #expect(try weights("a") == weights("b") && weights("a") != weights("c"))
        let embedder = try Embedder.load(folder.path + "/a")
        #expect(
            embedder.dimension == 8 && embedder.poolings == [.lastMean] && embedder.maxLength == 512
        )
        #expect(embedder.encoder.vocabularySize == 8)
        #expect(embedder.tokenIDs(of: "RAINS").ids == [2, 6, 7, 3])
        let cased = try Embedder.load(folder.path + "/d")
        #expect(
            cased.tokenIDs(of: "RAINS").ids == [2, 1, 3]
                && cased.tokenIDs(of: "Ä").ids == [2, 5, 3])
    }

    @Test("a corpus is a text file or a data set; all its texts are read")
    func corpus() throws {
        let folder = try TemporaryFolder()
        let lines = try folder.file("c.txt", "rain rain rain\n\nsnow snow snow\n")
        let rows = try folder.file(
            "c.jsonl", "{\"text\": \"rain rain rain\", \"text_pos\": \"snow snow snow\"}\n")
        for (name, corpus) in [("a", lines), ("b", rows)] {
            let run = try uniem(
                "init", folder.path + "/" + name, "--corpus", corpus, "--vocab-size", "100",
                "--hidden", "8", "--heads", "2", "--pooling", "cls")
            #expect(run.status == 0, "\(run.error)")
            #expect(run.error.contains("not 100"), "fewer tokens than asked for must be said")
        }
        let a = try FileBytes.readText(folder.path + "/a/vocab.txt")
        #expect(try a == FileBytes.readText(folder.path + "/b/vocab.txt"))
        #expect(a.split(separator: "\n").contains("snow"))
        #expect(try Embedder.load(folder.path + "/a").poolings == [.cls])
    }

    @Test("finetune, then encode, evaluate, inspect and runs on what it left")
    func wholeWay() throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/Runs"
        let run = try uniem(
            Sample.training(Sample.scoredPairs, in: folder)
                + ["--split", "0.25", "--run-id", "first", "--json"])
        #expect(run.status == 0, "\(run.error)")
        // Standard output: a JSON object a line and nothing else.
        let events = try run.jsonLines
        let names = events.compactMap { $0["event"]?.string }
        #expect(names.count == events.count)
        #expect(names.first == "started" && names.last == "finished")
        #expect(names.filter { $0 == "step" }.count == 3)
        #expect(names.filter { $0 == "evaluation" }.count == 2)
        #expect(events.last?["status"]?.string == "finished")
        #expect(events[0]["train_rows"]?.int == 300 && events[0]["test_rows"]?.int == 100)
        // Standard error: what was recognised, progress, the summary.
        let recognised = try #require(run.error.range(of: "sentence1, sentence2, label"))
        let start = try #require(run.error.range(of: "Start training for 1 epochs"))
        #expect(recognised.lowerBound < start.lowerBound)
        #expect(run.error.contains("spearman: ") && run.error.contains(" -> "))
        let model = home + "/first/model"
        #expect(run.error.contains("uniem encode \(model) \"text\"\n"))

        let vectors = try uniem("encode", model, "今天下雨", "It is raining.")
        #expect(vectors.status == 0 && vectors.error.isEmpty, "\(vectors.error)")
        let lines = try vectors.jsonLines
        #expect(lines.map { $0["text"]?.string } == ["今天下雨", "It is raining."])
        #expect(lines.allSatisfy { $0["embedding"]?.array?.count == 16 })

        let evaluation = try uniem("evaluate", model, "--dataset", Sample.scoredPairs, "--json")
        let metrics = try #require(try evaluation.jsonLines.first)
        #expect(metrics["rows"]?.int == 400)
        let spearman = try #require(metrics["spearman"]?.double)
        let plain = try uniem("evaluate", model, "--dataset", Sample.scoredPairs)
        #expect(
            plain.output.hasPrefix("spearman \(NumberText.fixed(spearman, decimals: 4))\npearson "))

        let list = try uniem("runs", "list", "--runs-dir", home, "--json")
        #expect(try list.jsonLines.map { $0["id"]?.string } == ["first"])
        #expect(try uniem("inspect", model).output.contains("last_mean"))
    }

    @Test("validation, a renamed column, bitfit, a second run; compare and delete")
    func options() throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/Runs"
        let renamed = try FileBytes.readText(Sample.pairs)
            .replacing("\"text\":", with: "\"first\":").replacing(
                "\"text_pos\":", with: "\"second\":")
        let dataset = try folder.file("renamed.jsonl", renamed)
        let arguments =
            try Sample.training(dataset, in: folder)
            + [
                "--rename", "first=text", "second=text_pos", "--validation", dataset, "--strategy",
                "bitfit", "--warmup", "1", "--loss", "sigmoid", "--pooling", "cls",
            ]
        let first = try uniem(arguments + ["--run-id", "one"])
        #expect(first.status == 0 && first.output.isEmpty, "\(first.error)")
        #expect(first.error.contains("Epoch 1 Validation loss: "))
        #expect(first.error.contains("recall@1: "))
        #expect(try Embedder.load(home + "/one/model").poolings == [.cls])
        let second = try uniem(
            arguments + ["--run-id", "two", "--seed", "7", "--output-dir", folder.path + "/out"])
        #expect(second.status == 0 && FileBytes.exists(folder.path + "/out/model/config.json"))

        let runs = ["--runs-dir", home]
        let comparison = try uniem(["runs", "compare", "one", "two"] + runs)
        #expect(comparison.output.contains("seed") && !comparison.output.contains("epochs"))
        let json = try uniem(["runs", "compare", "one", "tw", "--json"] + runs).jsonLines[0]
        let differences = json["differences"]?.array?.compactMap { $0["name"]?.string }
        #expect(differences?.contains("seed") == true && json["second"]?["id"]?.string == "two")
        let shown = try uniem(["runs", "show", folder.path + "/out", "--json"] + runs).jsonLines[0]
        #expect(shown["id"]?.string == "two" && shown["metrics"]?.array?.count == 3)
        #expect(try uniem(["runs", "show", "one"] + runs).output.contains("bitfit"))
        #expect(try uniem(["runs", "list"] + runs).output.split(separator: "\n").count == 3)

        let deleted = try uniem(["runs", "delete", "two"] + runs)
        #expect(deleted.status == 0 && FileBytes.exists(folder.path + "/out/model"))
        #expect(try uniem(["runs", "list", "--json"] + runs).jsonLines.count == 1)
    }

    @Test("triplets with the swap loss; without anything to evaluate the summary says so")
    func triplets() throws {
        let folder = try TemporaryFolder()
        let run = try uniem(
            Sample.training(Sample.triplets, in: folder)
                + ["--add-swap-loss", "--drop-last", "--no-shuffle", "--max-length", "16"])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.error.contains("Nothing was evaluated"))
    }

    @Test("--verbose shows timings on standard error")
    func verbose() throws {
        let run = try uniem("encode", try Sample.model.get(), "a text", "--verbose")
        #expect(run.error.contains("debug: uniem 0.1.0 blas="))
        #expect(run.error.contains("debug: model loaded seconds="))
    }
}
