import Files
import TestSupport
import Testing

// example: library
import Uniem

private func example(modelFolder: String, savedFolder: String) throws -> [[Float]] {
    let dataset = try Dataset.load("Datasets/scored_pairs.train.jsonl")
    let finetuner = try FineTuner.fromPretrained(modelFolder, dataset: dataset)
    let embedder = try finetuner.run(epochs: 3, batchSize: 64, learningRate: 3e-5)
    let vectors = embedder.encode(["今天天气很好", "It is raining."])
    try embedder.save(to: savedFolder)
    return vectors
}
// end of example

@Suite struct ReadmeTests {
    /// The Swift in the README is the Swift above, which compiles.
    @Test func exampleIsTheReadme() throws {
        let root = String(#filePath.dropLast("Tests/UniemTests/ReadmeTests.swift".count))
        let readme = try FileBytes.readText(root + "README.md")
        let source = try FileBytes.readText(#filePath)
        func lines(_ text: String, from start: String, to end: String) throws -> [String] {
            let all = text.split(separator: "\n").map { $0.filter { $0 != "\r" } }
            let first = try #require(all.firstIndex { $0.hasPrefix(start) })
            let last = try #require(all[(first + 1)...].firstIndex { $0.hasPrefix(end) })
            return all[(first + 1)..<last].map { String($0.drop { $0 == " " }) }
        }
        let shown = try lines(readme, from: "<!-- example: library -->", to: "## ")
            .drop { !$0.hasPrefix("import") }.prefix { $0 != "```" }
        let compiled = try lines(source, from: "// example: library", to: "// end of example")
            .filter { !$0.hasPrefix("private func") && !$0.hasPrefix("return") && $0 != "}" }
        #expect(Array(shown) == compiled)
        _ = example
    }
}
