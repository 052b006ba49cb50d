import Embedders
import Files
import Records
import TestSupport
import Testing
import Uniem

/// Metrics against the same numbers worked out one by one from the vectors.
@Suite struct EvaluatorTests {
    private func cosine(_ a: [Float], _ b: [Float]) -> Double {
        func dot(_ x: [Float], _ y: [Float]) -> Double {
            zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    private func measure(
        _ embedder: Embedder, _ data: Dataset
    ) -> (names: [String], values: [Double]) {
        let one = Evaluator.evaluate(embedder, on: data, threads: 1)
        let two = Evaluator.evaluate(embedder, on: data, threads: 3)
        #expect(one.map(\.value) == two.map(\.value))
        return (one.map(\.name), one.map(\.value))
    }

    @Test func scoredPairRanks() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = scoredPairs(40)
        let columns = data.records.columns.map { embedder.encode($0, normalize: false) }
        let cosines = zip(columns[0], columns[1]).map { cosine($0, $1) }
        let labels = try #require(data.records.labels)
        let (names, values) = measure(embedder, data)
        #expect(names == ["spearman", "pearson"])
        expectClose(
            values, [Correlation.spearman(cosines, labels), Correlation.pearson(cosines, labels)],
            relative: 0, absolute: 1e-3)
    }

    @Test func tripletAccuracy() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = triplets(40)
        let columns = data.records.columns.map { embedder.encode($0) }
        let good = data.records.columns[0].indices.count {
            cosine(columns[0][$0], columns[1][$0]) > cosine(columns[0][$0], columns[2][$0])
        }
        let (names, values) = measure(embedder, data)
        #expect(names == ["accuracy"] && good > 0 && good < 40)
        expectClose(values, [Double(good) / 40], relative: 0, absolute: 1e-12)
    }

    /// More rows than a block, and positives that several rows share, which count as one candidate.
    @Test func pairRetrieval() throws {
        let embedder = try Embedder.load(tinyModel)
        guard case .pairs(var records) = pairs(300).records else { return }
        for row in 250..<300 { records[row].textPos = records[row - 250].textPos }
        let data = Dataset(pairs: records)
        let texts = embedder.encode(records.map(\.text))
        let candidates = Array(Set(records.map(\.textPos)))
        let vectors = Dictionary(
            uniqueKeysWithValues: zip(candidates, embedder.encode(candidates)))
        var (first, reciprocal) = (0.0, 0.0)
        for (text, record) in zip(texts, records) {
            let own = cosine(text, try #require(vectors[record.textPos]))
            // Texts with the same tokens have the same vector: a tie is no loss.
            let better = vectors.values.count { cosine(text, $0) > own + 1e-6 }
            if better == 0 { first += 1 }
            reciprocal += 1 / Double(better + 1)
        }
        let (names, values) = measure(embedder, data)
        #expect(names == ["recall@1", "mrr"] && first > 0 && candidates.count < 300)
        expectClose(values, [first / 300, reciprocal / 300], relative: 0, absolute: 2e-2)
    }

    /// A text that is its own positive is always found first.
    @Test func perfectRetrieval() throws {
        let embedder = try Embedder.load(tinyModel)
        let texts = ["a man", "the guitar", "一个", "好 dog", "eat"]
        let data = Dataset(pairs: texts.map { PairRecord(text: $0, textPos: $0) })
        #expect(measure(embedder, data).values == [1, 1])
    }
}
