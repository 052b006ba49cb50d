import ArgumentParser
import Testing
import Uniem

@testable import UniemCLI

@Suite("Options of finetune become a TrainingConfiguration")
struct TrainingOptionsTests {
    @Test("without options it is the library's default")
    func defaults() throws {
        let command = try FinetuneCommand.parse(["m", "--dataset", "d"])
        #expect(command.trainingConfiguration == TrainingConfiguration())
    }

    /// Options, and what they change.
    struct Case: CustomTestStringConvertible, Sendable {
        var options: [String]
        var change: @Sendable (inout TrainingConfiguration) -> Void
        var testDescription: String { options.joined(separator: " ") }

        init(
            _ options: String..., change: @escaping @Sendable (inout TrainingConfiguration) -> Void
        ) {
            (self.options, self.change) = (options, change)
        }
    }

    static let cases: [Case] = [
        Case("--epochs", "7") { $0.epochs = 7 },
        Case("--batch-size", "64") { $0.batchSize = 64 },
        Case("--batch-size", "auto") { _ in },
        Case("--lr", "3e-5") { $0.learningRate = 3e-5 },
        Case("--lr", "auto") { _ in },
        Case("--weight-decay", "0") { $0.weightDecay = 0 },
        Case("--warmup", "0.1") { $0.warmup = 0.1 },
        Case("--warmup", "100") { $0.warmup = 100 },
        Case("--temperature", "0.1") { $0.temperature = 0.1 },
        Case("--loss", "softmax") { $0.loss = .softmax },
        Case("--loss", "sigmoid") { $0.loss = .sigmoid },
        Case("--loss", "cosent") { $0.loss = .cosent },
        Case("--add-swap-loss") { $0.addsSwapLoss = true },
        Case("--strategy", "full") { _ in },
        Case("--strategy", "bitfit") { $0.strategy = .bitFit(keywords: ["bias"]) },
        Case("--strategy", "bitfit", "--bitfit-keywords", "bias", "LayerNorm") {
            $0.strategy = .bitFit(keywords: ["bias", "LayerNorm"])
        },
        Case("--max-length", "128") { $0.maxLength = 128 },
        Case("--drop-last") { $0.dropLast = true },
        Case("--shuffle") { _ in },
        Case("--no-shuffle") { $0.shuffle = false },
        Case("--seed", "18446744073709551615") { $0.seed = .max },
        Case("--max-steps", "5") { $0.maxSteps = 5 },
        Case("--threads", "2") { $0.threads = 2 },
        Case("--runs-dir", "R") { $0.runsDirectory = "R" },
        Case("--output-dir", "o") { $0.outputDirectory = "o" },
        Case("--run-id", "a") { $0.runID = "a" },
    ]

    @Test("each option sets its one setting", arguments: cases)
    func option(_ example: Case) throws {
        var expected = TrainingConfiguration()
        example.change(&expected)
        let command = try FinetuneCommand.parse(["m", "--dataset", "d"] + example.options)
        #expect(command.trainingConfiguration == expected)
    }

    @Test("what is no setting of training is read too")
    func others() throws {
        let command = try FinetuneCommand.parse([
            "model", "--dataset", "a.tsv#split=train", "--validation", "v", "--test", "t",
            "--rename", "x=text", "y=text_pos", "--rename", "z=text_neg", "--pooling", "cls",
            "--json", "--verbose",
        ])
        #expect(command.model.model == "model" && command.model.pooling == .cls)
        #expect(command.data.dataset == ["a.tsv#split=train"])
        #expect(command.heldOut.validation == "v" && command.heldOut.test == "t")
        #expect(command.data.rename.map(\.old) == ["x", "y", "z"])
        #expect(command.data.rename.map(\.new) == ["text", "text_pos", "text_neg"])
        #expect(command.json && command.logging.verbose)
        let split = try FinetuneCommand.parse(["m", "--dataset", "d", "--split", "0.25"])
        #expect(split.heldOut.split == 0.25)
    }

    @Test("all poolings are known", arguments: Pooling.allCases)
    func pooling(_ pooling: Pooling) throws {
        let command = try EncodeCommand.parse(["m", "--pooling", pooling.rawValue, "a text"])
        #expect(command.model.pooling == pooling && command.text == ["a text"])
    }

    @Test("encode's flag of normalisation has three states")
    func normalize() throws {
        #expect(try EncodeCommand.parse(["m", "t"]).normalize == nil)
        #expect(try EncodeCommand.parse(["m", "t", "--normalize"]).normalize == true)
        #expect(try EncodeCommand.parse(["m", "t", "--no-normalize"]).normalize == false)
    }
}
