import Uniem

/// The memory of training steps of a model, by batch size and part.
struct MemoryReport {
    private let survey: MemorySurvey
    /// What is said of the batches: whose rows they are, what learns.
    private let setting: String
    private let facts: [(key: String, value: JSON)]
    private let rows: [(batchSize: Int, step: StepMemory, process: Int)]

    /// - Parameters:
    ///   - name: what the user called the model.
    ///   - datasets: whose longest rows are counted; pairs of texts as long as they can be where there are none.
    ///   - batchSize: the only one to show; 1, 2, 4, ... 256, as far as there are rows, where left out.
    init(
        _ embedder: Embedder, name: String, datasets: [Dataset], strategy: Strategy,
        maxLength: Int?, batchSize: Int?, chunkTokens: Int?, threads: Int = availableProcessors(),
        memory: ProcessMemory = .now
    ) throws {
        let survey = try MemorySurvey(
            embedder, datasets: datasets, strategy: strategy, maxLength: maxLength,
            chunkTokens: chunkTokens, threads: threads, memory: memory)
        self.survey = survey
        let doublings = sequence(first: 1) { $0 < BatchSizeFinder.largest ? 2 * $0 : nil }
        let sizes = batchSize.map { [$0] } ?? doublings.filter { $0 == 1 || $0 <= survey.rowCount }
        rows = sizes.compactMap { size in
            survey.step(batchSize: size).map { (size, $0.step, $0.process) }
        }
        let length = maxLength ?? embedder.maxLength
        var parts = [
            datasets.isEmpty ? "pairs of \(length) tokens a text" : "the longest rows of the data",
            "strategy \(strategy.name)", "\(threads) thread\(threads == 1 ? "" : "s")",
        ]
        if let chunkTokens { parts.append("chunks of \(chunkTokens) tokens run twice") }
        setting = parts.joined(separator: ", ")
        facts = [
            ("kind", "memory"), ("name", .string(name)), ("strategy", .string(strategy.name)),
            ("threads", .int(threads)), ("chunk_tokens", chunkTokens.map(JSON.int) ?? .null),
            ("max_length", .int(length)),
            ("rows", datasets.isEmpty ? .null : .int(survey.rowCount)),
        ]
    }

    /// The parts of a row; the last one is what the process takes beside them.
    private func parts(
        _ row: (batchSize: Int, step: StepMemory, process: Int)
    ) -> [(name: String, bytes: Int)] {
        var parts = row.step.parts
        parts.removeLast()
        return parts + [("other", row.process - row.step.tensors), ("total", row.process)]
    }

    /// A table, then what is free and what would be chosen.
    var text: String {
        let names = rows.first.map { parts($0).map(\.name) } ?? []
        var table = [["batch"] + names]
        for row in rows {
            table.append(
                ["\(row.batchSize)"] + parts(row).map { NumberText.bytes($0.bytes) })
        }
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        var text = "\nMemory of training: \(setting)\n"
        for line in table {
            let cells = zip(line, widths).map { cell, width in
                String(repeating: " ", count: width - cell.count) + cell
            }
            text += cells.joined(separator: "  ") + "\n"
        }
        let automatic = survey.choice?.explanation ?? survey.refusal?.description ?? ""
        return text
            + Facts.text([
                ("Free", "\(NumberText.bytes(survey.memory.available)) \(survey.memory.limit)"),
                ("Automatic", automatic),
            ])
    }

    /// The same for programs.
    var json: JSON {
        var json: JSON = [:]
        for (key, value) in facts { json.set(key, value) }
        let steps = rows.map { row in
            var step: JSON = ["batch_size": .int(row.batchSize)]
            for (name, bytes) in parts(row) { step.set(name, .int(bytes)) }
            return step
        }
        json.set("steps", .array(steps))
        json.set("available_bytes", .int(survey.memory.available))
        json.set("limited_by", .string(survey.memory.limit))
        json.set("allowed_bytes", .int(survey.allowed))
        json.set("automatic_batch_size", survey.choice.map { .int($0.size) } ?? .null)
        json.set(
            "explanation",
            .string(survey.choice?.explanation ?? survey.refusal?.description ?? ""))
        return json
    }
}
