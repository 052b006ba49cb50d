public import Files

extension Evaluation {
    /// The task and the numbers of each row, with all their digits; NaN is `null`, infinities are `"inf"` and `"-inf"`.
    public var json: JSON {
        func numbers(_ values: [Double]) -> JSON {
            .array(
                values.map { $0.isInfinite ? .string($0 > 0 ? "inf" : "-inf") : .double($0) })
        }
        func ranks(_ ranks: Ranks) -> [(key: String, value: JSON)] {
            [
                ("documents", .int(ranks.documents)),
                ("ranks", .array(ranks.relevant.map { .array($0.map(JSON.int)) })),
            ]
        }
        let name: (key: String, value: JSON) = ("task", .string(task.rawValue))
        return switch rows {
        case .scoredPairs(let cosines, let labels):
            .object([name, ("cosines", numbers(cosines)), ("labels", numbers(labels))])
        case .queries(let documents): .object([name] + ranks(documents))
        case .triplets(let margins, let documents):
            .object([name, ("margins", numbers(margins))] + ranks(documents))
        }
    }

    /// Reads what ``json`` wrote. `path` is the file it comes from, for messages.
    ///
    /// Throws a ``FileError`` that names the field.
    public init(_ json: JSON, path: String) throws(FileError) {
        let reader = FieldReader(json: json, path: path)
        guard let task = json["task"]?.string.flatMap(Task.init) else {
            throw reader.error("task", "expected the name of a task, found \(reader.kind("task"))")
        }
        switch task {
        case .similarity, .binary:
            let (cosines, labels) = (
                try reader.numbers("cosines"), try reader.numbers("labels")
            )
            guard cosines.count == labels.count else {
                throw reader.error("labels", "\(labels.count) for \(cosines.count) cosines")
            }
            self.init(.scoredPairs(cosines: cosines, labels: labels))
        case .retrieval: self.init(.queries(try reader.ranks()))
        case .triplet:
            self.init(
                .triplets(margins: try reader.numbers("margins"), ranks: try reader.ranks()))
        }
        guard self.task == task else {
            throw reader.error("task", "\(task.rawValue), but by its labels \(self.task.rawValue)")
        }
    }
}

/// Fields of an object that comes from a file.
private struct FieldReader {
    let json: JSON
    let path: String

    func error(_ field: String, _ problem: String) -> FileError {
        FileError(
            path: path, problem: "evaluation, field \(field): \(problem)",
            remedy: "the file may be damaged; measure again")
    }

    func kind(_ field: String) -> String { json[field]?.kind ?? "nothing" }

    private func array(_ field: String) throws(FileError) -> [JSON] {
        guard let array = json[field]?.array else {
            throw error(field, "expected an array, found \(kind(field))")
        }
        return array
    }

    func numbers(_ field: String) throws(FileError) -> [Double] {
        var numbers: [Double] = []
        for (index, item) in try array(field).enumerated() {
            switch item {
            case .null: numbers.append(.nan)
            case .string("inf"): numbers.append(.infinity)
            case .string("-inf"): numbers.append(-.infinity)
            default:
                guard let number = item.double else {
                    throw error(field, "expected a number at \(index), found \(item.kind)")
                }
                numbers.append(number)
            }
        }
        return numbers
    }

    func ranks() throws(FileError) -> Evaluation.Ranks {
        guard let documents = json["documents"]?.int else {
            throw error("documents", "expected a whole number, found \(kind("documents"))")
        }
        var relevant: [[Int]] = []
        for (query, item) in try array("ranks").enumerated() {
            var ranks: [Int] = []
            for rank in item.array ?? [] {
                guard let rank = rank.int else {
                    throw error("ranks", "expected whole numbers for query \(query)")
                }
                ranks.append(rank)
            }
            relevant.append(ranks)
        }
        if let problem = Evaluation.Ranks.problem(documents: documents, relevant: relevant) {
            throw error("ranks", problem)
        }
        return Evaluation.Ranks(documents: documents, relevant: relevant)
    }
}
