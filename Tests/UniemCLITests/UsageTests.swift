import Testing

@testable import UniemCLI

@Suite("Bad usage")
struct UsageTests {
    static let finetune = ["finetune", "m", "--dataset", "d"]
    static let initialise = ["init", "d", "--corpus", "c"]

    @Test(
        "ends with status 2, names the option, and does nothing",
        arguments: [
            (["nonsense"], "nonsense"), (["--nonsense"], "--nonsense"),
            (["finetune"], "<model>"), (["finetune", "m"], "--dataset"),
            (["finetune", "", "--dataset", "d"], "MODEL"),
            (["finetune", "m", "--dataset", ""], "--dataset"),
            // What the library does not build is not offered.
            (finetune + ["--mixed-precision", "fp16"], "--mixed-precision"),
            (finetune + ["--device", "cuda"], "--device"), (["serve", "m"], "serve"),
            // Options that need each other.
            (finetune + ["--strategy", "prefix"], "--prefix-tokens"),
            (finetune + ["--prefix-tokens", "[Q]"], "--strategy prefix"),
            (finetune + ["--lora-rank", "4"], "--strategy lora"),
            (finetune + ["--merge-adapter"], "--strategy lora"),
            (finetune + ["--train-last", "1", "--train-only", "x"], "--train-last"),
            (finetune + ["--metric-for-best-model", "loss"], "--load-best-model-at-end"),
            (finetune + ["--no-shuffle", "--shuffle-like", "torch"], "--no-shuffle"),
            (finetune + ["--mix", "round-robin"], "--mix"),
            (finetune + ["--dataset", "e", "--stream"], "--stream"),
            (finetune + ["--loss", "softmax", "--loss", "sigmoid"], "--loss"),
            (finetune + ["--parameter-group", "x"], "--parameter-group"),
            (finetune + ["--chunk-tokens", "0"], "--chunk-tokens"),
            (finetune + ["--max-grad-norm", "0"], "--max-grad-norm"),
            (finetune + ["--keep-checkpoints", "0"], "--keep-checkpoints"),
            (finetune + ["--lora-dropout", "1"], "--lora-dropout"), (["resume"], "<run>"),
            (finetune + ["--epochs", "0"], "--epochs"),
            (finetune + ["--epochs=-1"], "--epochs"),
            (finetune + ["--epochs", "-1"], "--epochs"),
            (finetune + ["--epochs", "9223372036854775807"], "--epochs"),
            (finetune + ["--epochs", "1.5"], "--epochs"),
            (finetune + ["--batch-size", "0"], "--batch-size"),
            (finetune + ["--batch-size", "many"], "--batch-size"),
            (finetune + ["--lr", "nan"], "--lr"), (finetune + ["--lr=-1"], "--lr"),
            (finetune + ["--lr", "inf"], "--lr"),
            (finetune + ["--weight-decay=-0.1"], "--weight-decay"),
            (finetune + ["--warmup", "1.5"], "--warmup"),
            (finetune + ["--warmup", "1e300"], "--warmup"),
            (finetune + ["--temperature", "0"], "--temperature"),
            (finetune + ["--temperature", "nan"], "--temperature"),
            (finetune + ["--max-length", "2"], "--max-length"),
            (finetune + ["--max-steps", "0"], "--max-steps"),
            (finetune + ["--threads", "0"], "--threads"),
            (finetune + ["--threads", "100000"], "--threads"),
            (finetune + ["--seed=-1"], "--seed"),
            (finetune + ["--split", "0"], "--split"), (finetune + ["--split", "1"], "--split"),
            (finetune + ["--split", "nan"], "--split"),
            (finetune + ["--split", "0.1", "--test", "t"], "--split"),
            (finetune + ["--rename", "text"], "--rename"),
            (finetune + ["--rename", "=text"], "--rename"),
            (finetune + ["--bitfit-keywords", "bias"], "--bitfit-keywords"),
            (finetune + ["--pooling", "median"], "median"), (finetune + ["--loss", "mse"], "mse"),
            (finetune + ["--run-id", "a/b"], "--run-id"),
            (["encode", "m", "t", "--output", "v.csv"], "v.csv"),
            (["encode", "m", "--input", "t.pdf"], "t.pdf"),
            (["encode", "m", "t", "--input", "t.txt"], "--input"),
            (["encode", "m", " "], "text 1"),
            (["encode", "m", "t", "--batch-tokens", "0"], "--batch-tokens"),
            (["evaluate", "m"], "--dataset"),
            (["init", "d"], "--vocab"),
            (["init", "d", "--vocab", "v", "--corpus", "c"], "--vocab"),
            (["init", "d", "--vocab", "v", "--vocab-size", "10"], "--vocab-size"),
            (initialise + ["--vocab-size", "5"], "--vocab-size"),
            (initialise + ["--layers", "0"], "--layers"),
            (initialise + ["--hidden", "10", "--heads", "3"], "--heads"),
            (initialise + ["--hidden", "65536", "--layers", "1000"], "parameters"),
            (initialise + ["--max-positions", "2"], "--max-positions"),
            (["runs", "show"], "<run>"), (["runs", "compare", "a"], "<second>"),
            (["runs", "list", "--limit", "3"], "--limit"),
        ])
    func usage(_ arguments: [String], _ mentioned: String) throws {
        let run = try uniem(arguments)
        #expect(run.status == 2, "\(arguments): \(run.error)")
        #expect(run.output.isEmpty)
        #expect(run.error.contains(mentioned), "\(arguments): \(run.error)")
        #expect(run.errorLines.count == 1, "\(run.error)")
        #expect(run.error.contains("Usage: uniem"), "\(run.error)")
    }

    @Test("what is bad usage only once the model is known ends with status 2 as well")
    func late() throws {
        let model = try Sample.model.get()
        #expect(try uniem("encode", model).status == 2)
        #expect(try uniem("inspect", model, "--rename", "a=b").status == 2)
        #expect(try uniem("inspect", Sample.pairs, "--parameters").status == 2)
    }

    @Test(
        "help and version end with status 0 and go to standard output",
        arguments: [
            ["--help"], ["-h"], ["help"], [], ["runs"], ["help", "encode"], ["encode", "--help"],
            ["runs", "show", "--help"], ["--version"],
        ])
    func help(_ arguments: [String]) throws {
        let run = try uniem(arguments)
        #expect(run.status == 0 && run.error.isEmpty)
        #expect(run.output.contains("uniem") && run.output.hasSuffix("\n"))
    }

    @Test("the version is the library's")
    func version() throws { #expect(try uniem("--version").output == "uniem 0.1.0\n") }
}
