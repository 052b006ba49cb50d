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

    private func measure(_ embedder: Embedder, _ data: Dataset) -> Evaluation {
        let one = Evaluator.measure(embedder, on: data, threads: 1)
        let two = Evaluator.measure(embedder, on: data, threads: 3)
        #expect(one == two && one.task == Evaluator.task(of: data))
        let values = Evaluator.evaluate(embedder, on: data, threads: 2)
        #expect(values.map(\.name) == one.values.map(\.name))
        #expect(values.map(\.value.bitPattern) == one.values.map(\.value.bitPattern))
        return one
    }

    @Test func scoredPairRanks() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = scoredPairs(40)
        let columns = data.records.columns.map { embedder.encode($0, normalize: false) }
        let cosines = zip(columns[0], columns[1]).map { cosine($0, $1) }
        let labels = try #require(data.records.labels)
        let evaluation = measure(embedder, data)
        #expect(evaluation.task == .similarity)
        expectClose(
            evaluation.values.map(\.value),
            [Correlation.spearman(cosines, labels), Correlation.pearson(cosines, labels)],
            relative: 0, absolute: 1e-3)
        guard case .scoredPairs(let mine, let others) = evaluation.rows else {
            Issue.record("\(evaluation.rows)")
            return
        }
        expectClose(mine, cosines, relative: 0, absolute: 1e-6)
        #expect(others == labels)
        // More rows than are compared at once.
        guard case .scoredPairs(let records) = data.records else { return }
        let many = Dataset(scoredPairs: (0..<30).flatMap { _ in records })
        let repeated = Evaluator.measure(embedder, on: many)
        #expect(
            repeated
                == Evaluation(
                    .scoredPairs(
                        cosines: (0..<30).flatMap { _ in mine },
                        labels: (0..<30).flatMap { _ in labels })))
    }

    @Test func labelsOfTwoKinds() throws {
        let embedder = try Embedder.load(tinyModel)
        guard case .scoredPairs(var records) = scoredPairs(30).records else { return }
        for row in records.indices { records[row].label = records[row].label > 2 ? 1 : 0 }
        let evaluation = measure(embedder, Dataset(scoredPairs: records))
        #expect(evaluation.task == .binary && evaluation.values.count == 10)
        #expect(try #require(evaluation.value(of: "best_f1")) > 0.5)
    }

    @Test func tripletAccuracy() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = triplets(40)
        let columns = data.records.columns.map { embedder.encode($0) }
        let good = data.records.columns[0].indices.count {
            cosine(columns[0][$0], columns[1][$0]) > cosine(columns[0][$0], columns[2][$0])
        }
        let evaluation = measure(embedder, data)
        #expect(good > 0 && good < 40)
        #expect(evaluation.values[0].name == "accuracy")
        #expect(abs(evaluation.values[0].value - Double(good) / 40) < 1e-12)
        // Negatives are documents too.
        let documents = Set(data.records.columns[1] + data.records.columns[2])
        guard case .triplets(let margins, let ranks) = evaluation.rows else {
            Issue.record("\(evaluation.rows)")
            return
        }
        #expect(margins.count == 40 && ranks.documents == documents.count)
        #expect(ranks.relevant.count == Set(data.records.columns[0]).count)
    }

    /// A text in several rows is one query with several positives, equal positives are one document: ranks are those of
    /// sorting all documents.
    @Test func pairRetrieval() throws {
        let embedder = try Embedder.load(tinyModel)
        let words = ["man", "guitar", "猫", "woman", "playing", "一个", "dog", "eat", "the", "好"]
        func text(_ number: Int) -> String {
            [number % 10, number / 10 % 10, number / 100 % 10, number * number % 7]
                .map { words[$0] }.joined(separator: " ")
        }
        var records = (0..<300).map { PairRecord(text: text($0), textPos: text($0 * 3 + 1)) }
        for row in 250..<300 { records[row].textPos = records[row - 250].textPos }
        for row in 200..<240 { records[row].text = records[row - 100].text }
        records.append(records[7])
        var wanted: [String: Set<String>] = [:]
        for record in records { wanted[record.text, default: []].insert(record.textPos) }
        let texts = Array(Set(records.map(\.text)))
        let candidates = Array(Set(records.map(\.textPos)))
        let vectors = embedder.encode(candidates)
        #expect(texts.count == 260 && candidates.count == 250)
        #expect(wanted.values.count { $0.count == 2 } == 40)
        var (recall, reciprocal) = (0.0, 0.0)
        for (text, query) in zip(texts, embedder.encode(texts)) {
            let relevant = try #require(wanted[text])
            // Words that the model does not know are one token: texts that differ in them have one vector.
            let order = candidates.indices.map { place in
                let isRelevant = relevant.contains(candidates[place])
                return (-(cosine(query, vectors[place]) * 1e6).rounded(), isRelevant ? 1 : 0)
            }.sorted(by: <)
            let first = try #require(order.firstIndex { $0.1 == 1 })
            reciprocal += 1 / Double(first + 1)
            recall += Double(order[0].1) / Double(relevant.count)
        }
        let evaluation = measure(embedder, Dataset(pairs: records))
        guard case .queries(let ranks) = evaluation.rows else {
            Issue.record("\(evaluation.rows)")
            return
        }
        #expect(ranks.documents == candidates.count && ranks.relevant.count == texts.count)
        #expect(
            ranks.relevant.map(\.count).sorted() == wanted.values.map(\.count).sorted())
        let count = Double(texts.count)
        expectClose(
            [evaluation.value(of: "recall@1") ?? -1, evaluation.value(of: "mrr") ?? -1],
            [recall / count, reciprocal / count], relative: 0, absolute: 1e-2)
        #expect(recall > 0)
    }

    /// The order of rows changes nothing.
    @Test func shuffled() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = triplets(60)
        let one = measure(embedder, data)
        let other = measure(embedder, data.selecting((0..<60).map { ($0 * 17 + 3) % 60 }))
        expectClose(
            one.values.map(\.value), other.values.map(\.value), relative: 0, absolute: 1e-2)
    }

    /// A text that is its own positive is found first, spelled as it is.
    @Test func perfectRetrieval() throws {
        let embedder = try Embedder.load(tinyModel)
        let texts = ["a man", "the guitar", "一个", "好 dog", "eat"]
        let data = Dataset(pairs: texts.map { PairRecord(text: $0, textPos: $0) })
        #expect(measure(embedder, data).values.allSatisfy { $0.value == 1 })
    }

    /// `é` spelled in two ways: one `String` key, two texts.
    @Test func textsAreBytes() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = Dataset(pairs: [
            PairRecord(text: "caf\u{E9}", textPos: "eat"),
            PairRecord(text: "cafe\u{301}", textPos: "dog"),
        ])
        guard case .queries(let ranks) = measure(embedder, data).rows else { return }
        #expect(ranks.relevant.count == 2)
    }

    /// The prompts of the model, put before the texts by hand, give the same.
    @Test func queriesAndDocumentsGetTheirOwnPrompts() throws {
        let plain = try Embedder.load(tinyModel)
        let embedder = Embedder(
            tokenizer: plain.tokenizer, encoder: plain.encoder, poolings: plain.poolings,
            normalizes: plain.normalizes, maxLength: plain.maxLength,
            prompts: try Prompts(
                [("query", "the dog "), ("document", "eat ")], defaultName: "query"))
        func prompted(_ data: Dataset) -> Dataset {
            let columns = data.records.columns.enumerated().map { column, texts in
                texts.map { (column == 0 ? "the dog " : "eat ") + $0 }
            }
            let rows = columns[0].indices
            return switch data.records {
            case .pairs:
                Dataset(
                    pairs: rows.map { PairRecord(text: columns[0][$0], textPos: columns[1][$0]) })
            case .triplets:
                Dataset(
                    triplets: rows.map {
                        TripletRecord(
                            text: columns[0][$0], textPos: columns[1][$0], textNeg: columns[2][$0])
                    })
            case .scoredPairs(let records):
                Dataset(
                    scoredPairs: rows.map {
                        ScoredPairRecord(
                            sentence1: columns[0][$0], sentence2: columns[1][$0],
                            label: records[$0].label)
                    })
            }
        }
        for data in [pairs(30), triplets(30), scoredPairs(30)] {
            let evaluation = Evaluator.measure(embedder, on: data)
            #expect(evaluation == Evaluator.measure(plain, on: prompted(data)))
            #expect(evaluation != Evaluator.measure(plain, on: data))
            #expect(evaluation == Evaluator.measure(embedder, on: prompted(data), prompt: ""))
        }
    }

    @Test func noRows() throws {
        let embedder = try Embedder.load(tinyModel)
        for data in [Dataset(pairs: []), Dataset(triplets: []), Dataset(scoredPairs: [])] {
            let evaluation = measure(embedder, data)
            #expect(evaluation.rowCount == 0 && evaluation.values.allSatisfy(\.value.isNaN))
            #expect(evaluation.interval(of: evaluation.mainMetric)?.low.isNaN == true)
        }
    }

    @Test func promptAndLengthReachTheModel() throws {
        let embedder = try Embedder.load(tinyModel)
        let data = scoredPairs(20)
        let plain = Evaluator.measure(embedder, on: data)
        #expect(Evaluator.measure(embedder, on: data, prompt: "the guitar ") != plain)
        #expect(Evaluator.measure(embedder, on: data, maxLength: 4) != plain)
    }
}
