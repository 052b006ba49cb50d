import ArgumentParser
import Uniem

/// Which model, and which texts.
struct TextOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of the model.", valueName: "dir"))
    var model: String

    @Option(
        help: ArgumentHelp(
            "Data as `uniem finetune` reads them; 'stsbenchmark.tsv.gz#split=train'.",
            valueName: "file"))
    var data: String

    /// The model's name in results: the last part of its path.
    var modelName: String {
        String(model.split(separator: "/").last ?? "model")
    }

    /// All texts, the first of each row before the second; each once unless `keepsDuplicates`.
    func texts(keepsDuplicates: Bool) throws -> [String] {
        let texts = try Dataset.load(data).records.texts
        if keepsDuplicates { return texts }
        var seen = Set<[UInt8]>()
        return texts.filter { seen.insert(Array($0.utf8)).inserted }
    }
}
