import CKernels
import Files
import TestSupport
import Tensors
import Testing

/// Every loss of uniem, as its own code computed it in double precision.
struct LossGoldenTests {
    private struct Case {
        let name: String
        let kind: String
        let form: ContrastiveForm
        let temperature: Double
        let batch: Int
        let hasSwap: Bool
        let loss: Double
        let inputs: [String]
        let gradients: [String]

        init(_ json: JSON) throws {
            name = try #require(json["name"]?.string)
            kind = try #require(json["kind"]?.string)
            // uniem's in-batch CoSENT is its softmax loss under another name: log(1 + sum of exp) a row.
            form = json["loss_type"]?.string == "sigmoid" ? .sigmoid : .softmax
            temperature = try #require(json["temperature"]?.double)
            batch = try #require(json["batch"]?.int)
            hasSwap = json["add_swap_loss"]?.bool ?? false
            let value = try #require(json["loss_f64"])
            loss = try #require(value.double ?? value.string.flatMap(Double.init))
            inputs = try #require(json["inputs"]?.members).map(\.key)
            gradients = try #require(json["grads_of"]?.array).compactMap(\.string)
        }

        /// The mean over no negatives.
        var hasNoValue: Bool { form == .sigmoid && batch == 1 && (kind == "pair" || hasSwap) }
    }

    private func cases(_ root: GoldenRoot) throws -> [Case] {
        try #require(root.json("losses/index.json")["cases"]?.array).map(Case.init)
    }

    @Test(arguments: GoldenRoot.all) func allCases(_ root: GoldenRoot) throws {
        let file = try root.tensors("losses/losses.safetensors")
        var counts: [String: Int] = [:]
        for item in try cases(root) {
            // Only where one row is left alone with sigmoid is there no number; there the operation traps.
            #expect(item.loss.isNaN == item.hasNoValue, "\(item.name)")
            counts[item.kind, default: 0] += 1
            if item.hasNoValue { continue }
            if item.kind == "cosent_scores" {
                try compareScores(item, file)
                continue
            }
            var tape = Tape(.training(seed: 1))
            let x = try item.inputs.map { tape.variable(try file.tensor("\(item.name)/\($0)")) }
            var loss: Tensor
            let t = item.temperature
            switch item.kind {
            case "pair": loss = tape.inBatchLoss(x[0], x[1], form: item.form, temperature: t)
            case "triplet":
                loss = tape.tripletLoss(x[0], x[1], x[2], form: item.form, temperature: t)
                if item.hasSwap {
                    let swapped = tape.inBatchLoss(x[1], x[0], form: item.form, temperature: t)
                    loss = tape.add(loss, swapped)
                }
            case "scored_pair":
                let labels = x[2].values.map(Double.init)
                loss = tape.coSENTLoss(x[0], x[1], labels: labels, temperature: t)
            default:
                Issue.record("an unknown kind: \(item.kind)")
                continue
            }
            expectClose(
                loss, [item.loss], relative: 1e-6, absolute: 1e-12, "\(root): \(item.name)")
            let gradients = tape.backward(from: loss)
            for name in item.gradients {
                let index = try #require(item.inputs.firstIndex(of: name))
                let gradient = try #require(gradients[x[index]])
                let expected = Matrix(
                    rows: gradient.shape.rows, columns: gradient.shape.width,
                    try file.doubles("\(item.name)/grad_f64.\(name)"))
                compareRows(gradient, expected, "\(root): \(item.name), \(name)")
            }
        }
        #expect(Set(counts.keys) == ["pair", "triplet", "scored_pair", "cosent_scores"])
        print("note: \(root): compared \(counts.sorted { $0.key < $1.key })")
    }

    /// Row by row: short rows have gradients of 1e8, which say nothing about the others.
    private func compareRows(_ gradient: Tensor, _ expected: Matrix, _ what: String) {
        for i in 0..<expected.rows {
            let row = (0..<expected.columns).map { expected[i, $0] }
            let size = row.reduce(0) { max($0, abs($1)) }
            // 1e-13 is what is left in double precision where all terms cancel.
            expectClose(
                gradient.row(i).map(Double.init), row, relative: 1e-5,
                absolute: 1e-6 * size + 1e-13, "\(what), row \(i)")
        }
    }

    /// CoSENT of given cosines, which no float32 embeddings have exactly: the kernel itself.
    private func compareScores(_ item: Case, _ file: GoldenFile) throws {
        let scores = try file.doubles("\(item.name)/predict_similarity")
        let labels = try file.doubles("\(item.name)/true_similarity")
        var gradient = [Double](repeating: .nan, count: scores.count)
        let loss = unsafe k_cosent_loss(
            &gradient, scores, labels, Int64(scores.count), item.temperature)
        expectClose([loss], [item.loss], relative: 1e-12, absolute: 1e-12, item.name)
        let expected = try file.doubles("\(item.name)/grad_f64.predict_similarity")
        expectClose(gradient, expected, relative: 1e-10, absolute: 1e-12, item.name)
    }

    /// The two names of one function.
    @Test(arguments: GoldenRoot.all) func softmaxAndCoSENTAreOne(_ root: GoldenRoot) throws {
        let all = Dictionary(
            uniqueKeysWithValues: try cases(root).map { ($0.name, $0.loss) })
        var pairs = 0
        for (name, loss) in all where name.contains("_softmax") {
            let parts = name.split(separator: "_", omittingEmptySubsequences: false)
                .map { $0 == "softmax" ? "cosent" : String($0) }
            let other = try #require(all[parts.joined(separator: "_")])
            expectClose([loss], [other], relative: 1e-12, absolute: 1e-12, name)
            pairs += 1
        }
        #expect(pairs >= 20)
    }
}
