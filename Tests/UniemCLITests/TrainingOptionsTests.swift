import ArgumentParser
import Testing
import Uniem

@testable import UniemCLI

@Suite("Options of finetune become a TrainingConfiguration")
struct TrainingOptionsTests {
    private func configuration(_ options: String...) throws -> TrainingConfiguration {
        try FinetuneCommand.parse(["m", "--dataset", "d"] + options).trainingConfiguration
    }

    @Test("without options it is the library's default")
    func defaults() throws {
        #expect(try configuration() == TrainingConfiguration())
    }

    @Test(
        "each option sets its one setting",
        arguments: [
            (["--epochs", "7"], { $0.epochs = 7 }),
            (["--batch-size", "64"], { $0.batchSize = 64 }),
            (["--batch-size", "auto"], { _ in }),
            (["--lr", "3e-5"], { $0.learningRate = 3e-5 }),
            (["--lr", "auto"], { _ in }),
            (["--weight-decay", "0"], { $0.weightDecay = 0 }),
            (["--warmup", "0.1"], { $0.warmup = 0.1 }),
            (["--warmup", "100"], { $0.warmup = 100 }),
            (["--temperature", "0.1"], { $0.temperature = 0.1 }),
            (["--loss", "softmax"], { $0.loss = .softmax }),
            (["--loss", "sigmoid"], { $0.loss = .sigmoid }),
            (["--loss", "cosent"], { $0.loss = .cosent }),
            (["--add-swap-loss"], { $0.addsSwapLoss = true }),
            (["--strategy", "full"], { _ in }),
            (["--strategy", "bitfit"], { $0.strategy = .bitFit(keywords: ["bias"]) }),
            (
                ["--strategy", "bitfit", "--bitfit-keywords", "bias", "LayerNorm"],
                { $0.strategy = .bitFit(keywords: ["bias", "LayerNorm"]) }
            ),
            (["--max-length", "128"], { $0.maxLength = 128 }),
            (["--drop-last"], { $0.dropLast = true }),
            (["--shuffle"], { _ in }),
            (["--no-shuffle"], { $0.shuffle = false }),
            (["--seed", "18446744073709551615"], { $0.seed = .max }),
            (["--max-steps", "5"], { $0.maxSteps = 5 }),
            (["--threads", "2"], { $0.threads = 2 }),
            (["--runs-dir", "R"], { $0.runsDirectory = "R" }),
            (["--output-dir", "o"], { $0.outputDirectory = "o" }),
            (["--run-id", "a"], { $0.runID = "a" }),
        ] as [([String], @Sendable (inout TrainingConfiguration) -> Void)])
    func option(_ options: [String], _ change: @Sendable (inout TrainingConfiguration) -> Void)
        throws
    {
        var expected = TrainingConfiguration()
        change(&expected)
        let command = try FinetuneCommand.parse(["m", "--dataset", "d"] + options)
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
        #expect(command.data.dataset == "a.tsv#split=train")
        #expect(command.validation == "v" && command.test == "t" && command.split == nil)
        #expect(command.data.rename.map(\.old) == ["x", "y", "z"])
        #expect(command.data.rename.map(\.new) == ["text", "text_pos", "text_neg"])
        #expect(command.json && command.logging.verbose)
        let split = try FinetuneCommand.parse(["m", "--dataset", "d", "--split", "0.25"])
        #expect(split.split == 0.25)
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
