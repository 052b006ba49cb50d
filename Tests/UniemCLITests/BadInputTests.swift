import Files
import Testing
import Uniem

@testable import UniemCLI

@Suite("Bad input")
struct BadInputTests {
    /// A row of the table: what is made in an empty folder, what is run, and what the one line must name.
    struct Case: CustomTestStringConvertible {
        var name: String
        /// `$` in arguments stands for the folder, `@` for the tiny model, `%` for scored pairs.
        var arguments: [String]
        var mentioned: [String]
        var files: [String: String] = [:]
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "no such model", arguments: ["encode", "$/none", "text"],
            mentioned: ["$/none: looks like a path, and there is no such folder"]),
        Case(
            name: "a hub name", arguments: ["evaluate", "moka-ai/m3e-small", "--dataset", "%"],
            mentioned: ["moka-ai/m3e-small: no such folder, and on the hub: not in the cache"]),
        Case(
            name: "a file as model", arguments: ["finetune", "%", "--dataset", "%"],
            mentioned: ["%: not a folder"]),
        Case(
            name: "a folder that is no model", arguments: ["encode", "$", "text"],
            mentioned: ["$: no config.json"]),
        Case(
            name: "a broken model", arguments: ["inspect", "$"],
            mentioned: ["$/config.json:1: not valid JSON"], files: ["config.json": "{"]),
        Case(
            name: "no such data", arguments: ["finetune", "@", "--dataset", "$/none.jsonl"],
            mentioned: ["$/none.jsonl: "]),
        Case(
            name: "no such test data",
            arguments: ["finetune", "@", "--dataset", "%", "--test", "$/none.tsv"],
            mentioned: ["$/none.tsv: "]),
        Case(
            name: "unknown fields", arguments: ["evaluate", "@", "--dataset", "$/d.jsonl"],
            mentioned: ["$/d.jsonl:1: none of the columns is known: a, b", "--rename"],
            files: ["d.jsonl": "{\"a\": \"x\", \"b\": \"y\"}\n"]),
        Case(
            name: "a row with a wrong field",
            arguments: ["evaluate", "@", "--dataset", "$/d.jsonl"],
            mentioned: ["$/d.jsonl:2: text_pos must be a string, found 7"],
            files: [
                "d.jsonl":
                    "{\"text\": \"a\", \"text_pos\": \"b\"}\n{\"text\": \"a\", \"text_pos\": 7}\n"
            ]),
        Case(
            name: "a new name for no column",
            arguments: ["finetune", "@", "--dataset", "%", "--rename", "nope=text"],
            mentioned: ["%:1: cannot rename the column nope"]),
        Case(
            name: "data of two kinds",
            arguments: ["finetune", "@", "--dataset", "%", "--test", "$/d.jsonl"],
            mentioned: ["the test data are pairs, the training data scored pairs"],
            files: ["d.jsonl": "{\"text\": \"a\", \"text_pos\": \"b\"}\n"]),
        Case(
            name: "a loss of another kind",
            arguments: ["finetune", "@", "--dataset", "%", "--loss", "softmax"],
            mentioned: ["loss softmax does not fit scored pairs; use cosent"]),
        Case(
            name: "keywords that fit nothing",
            arguments: [
                "finetune", "@", "--dataset", "%", "--strategy", "bitfit", "--bitfit-keywords",
                "zzz",
            ], mentioned: ["no parameter's name contains zzz"]),
        Case(
            name: "one row to split",
            arguments: ["finetune", "@", "--dataset", "$/d.jsonl", "--split", "0.1"],
            mentioned: ["$/d.jsonl: cannot split 1 rows"],
            files: ["d.jsonl": "{\"text\": \"a\", \"text_pos\": \"b\"}\n"]),
        Case(
            name: "an output folder under a file",
            arguments: [
                "finetune", "@", "--dataset", "%", "--output-dir", "$/f/out", "--runs-dir", "$/R",
            ], mentioned: ["$/f", "cannot make the folder"], files: ["f": ""]),
        Case(
            name: "runs under a file",
            arguments: ["finetune", "@", "--dataset", "%", "--runs-dir", "$/f/R"],
            mentioned: ["$/f", "cannot make the folder"], files: ["f": ""]),
        Case(
            name: "another run's folder",
            arguments: [
                "finetune", "@", "--dataset", "%", "--output-dir", "$", "--runs-dir", "$/R",
            ], mentioned: ["$: another run lives here"], files: ["run.json": "{}"]),
        Case(
            name: "init over something",
            arguments: ["init", "$", "--corpus", "%", "--vocab-size", "50"],
            mentioned: ["$: there is something already"], files: ["precious": "x"]),
        Case(
            name: "init over a file", arguments: ["init", "$/f", "--corpus", "%"],
            mentioned: ["$/f: there is something already"], files: ["f": "x"]),
        Case(
            name: "no vocabulary", arguments: ["init", "$/m", "--vocab", "$/none"],
            mentioned: ["$/none: "]),
        Case(
            name: "a vocabulary without special tokens",
            arguments: ["init", "$/m", "--vocab", "$/v"],
            mentioned: ["$/v: the special token"], files: ["v": "a\nb\n"]),
        Case(
            name: "a token twice", arguments: ["init", "$/m", "--vocab", "$/v"],
            mentioned: ["$/v:7: the token \"a\" stands on line 6 already"],
            files: ["v": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\na\n"]),
        Case(
            name: "no corpus", arguments: ["init", "$/m", "--corpus", "$/none.txt"],
            mentioned: ["$/none.txt: "]),
        Case(
            name: "an empty line", arguments: ["encode", "@", "--input", "$/t.txt"],
            mentioned: ["$/t.txt:2: an empty text"], files: ["t.txt": "a\n \nb\n"]),
        Case(
            name: "no lines", arguments: ["encode", "@", "--input", "$/t.txt"],
            mentioned: ["$/t.txt: no texts"], files: ["t.txt": ""]),
        Case(
            name: "lines without text", arguments: ["encode", "@", "--input", "$/t.jsonl"],
            mentioned: ["$/t.jsonl:2: expected an object with a string in the field text"],
            files: ["t.jsonl": "{\"text\": \"a\"}\n{\"txt\": \"b\"}\n"]),
        Case(
            name: "lines that are no JSON", arguments: ["encode", "@", "--input", "$/t.jsonl"],
            mentioned: ["$/t.jsonl:1: not valid JSON"], files: ["t.jsonl": "text\n"]),
        Case(
            name: "no folder for vectors",
            arguments: ["encode", "@", "text", "--output", "$/none/v.npy"],
            mentioned: ["$/none/v.npy: cannot create"]),
        Case(
            name: "a folder where vectors should go",
            arguments: ["encode", "@", "text", "--output", "$/v.npy"],
            mentioned: ["$/v.npy: a folder stands there"], files: ["v.npy/x": ""]),
        Case(
            name: "no runs", arguments: ["runs", "list", "--runs-dir", "$/none"],
            mentioned: ["$/none/runs.sqlite: there is no run database"]),
        Case(
            name: "no database", arguments: ["runs", "show", "x", "--runs-dir", "$"],
            mentioned: ["$/runs.sqlite: not an SQLite database"],
            files: ["runs.sqlite": String(repeating: "no database\n", count: 200)]),
    ]

    @Test("ends with status 1 and one line that says what to do", arguments: cases)
    func badInput(_ example: Case) throws {
        let folder = try TemporaryFolder()
        for (name, text) in example.files {
            try FileBytes.makeFolder(FileBytes.parent(of: folder.path + "/" + name) ?? ".")
            _ = try folder.file(name, text)
        }
        let before = try FileBytes.names(in: folder.path)
        let model = try Sample.model.get()
        func filled(_ text: String) -> String {
            text == "@"
                ? model
                : text.replacing("$", with: folder.path).replacing("%", with: Sample.scoredPairs)
        }
        let run = try uniem(example.arguments.map(filled))
        #expect(run.status == 1, "\(run.error)")
        #expect(run.output.isEmpty)
        #expect(run.errorLines.count == 1 && run.error.hasSuffix("\n"), "\(run.error)")
        let line = try #require(run.errorLines.first)
        for text in example.mentioned {
            #expect(line.contains(filled(text)), "\(line)")
        }
        // Nothing half-made is left, save the folder of runs where that is fine.
        #expect(try FileBytes.names(in: folder.path).filter { $0 != "R" } == before)
    }

    @Test("a run that nobody knows is answered with those there are")
    func unknownRun() throws {
        let folder = try TemporaryFolder()
        _ = try uniem(
            Sample.training(Sample.scoredPairs, in: folder) + ["--run-id", "abc"])
        let run = try uniem("runs", "show", "x", "--runs-dir", folder.path + "/Runs")
        #expect(run.status == 1 && run.errorLines.count == 1)
        #expect(run.error.contains("no run 'x'; the latest are abc"))
    }

    @Test("the name of a run is given once")
    func sameName() throws {
        let folder = try TemporaryFolder()
        let arguments = try Sample.training(Sample.scoredPairs, in: folder) + ["--run-id", "abc"]
        #expect(try uniem(arguments).status == 0)
        let again = try uniem(arguments + ["--output-dir", folder.path + "/elsewhere"])
        #expect(again.status == 1 && again.errorLines.count == 1)
        #expect(again.error.contains("a run abc is recorded in \(folder.path)/Runs already"))
        #expect(!FileBytes.exists(folder.path + "/elsewhere"))
    }

    @Test("--verbose adds the details of an error")
    func details() throws {
        let run = try uniem("encode", "/none", "text", "--verbose")
        #expect(run.status == 1 && run.errorLines.count == 1)
        #expect(run.error.contains("details: HubError\n") && run.error.contains("- kind: "))
    }

    @Test("standard output that cannot be written is an error")
    func closedOutput() throws {
        let error = Recorder()
        var context = Context(
            output: { _ in throw FileError(path: "standard output", problem: "cannot write") },
            console: .init(
                sink: { error.add($0) }, clock: { 0 }, isTerminal: false, style: .ascii))
        context.inputPath = nil
        for arguments in [["--help"], ["--version"], ["encode", try Sample.model.get(), "text"]] {
            #expect(Program.run(arguments, in: context) == 1)
        }
        #expect(error.text == String(repeating: "error: standard output: cannot write\n", count: 3))
    }
}
