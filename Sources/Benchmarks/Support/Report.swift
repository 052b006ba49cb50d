import ArgumentParser
import Files
import Tensors
import Tracking

/// How results are written.
struct OutputOptions: ParsableArguments {
    @Flag(help: "One JSON object a line instead of tables.")
    var json = false
}

/// How many threads work.
struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads. (default: all processors)")
    var threads: Int?

    /// The number asked for, or that of processors.
    var count: Int { threads ?? availableProcessors() }

    /// One thread, and all where these are more.
    var oneAndAll: [Int] { count == 1 ? [1] : [1, count] }

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads): give 1 to 1024")
        }
    }
}

/// One figure of a row.
struct Figure {
    let name: String
    let value: JSON
    let text: String

    /// A text.
    static func text(_ name: String, _ value: String) -> Figure {
        Figure(name: name, value: .string(value), text: value)
    }

    /// A whole number.
    static func count(_ name: String, _ value: Int) -> Figure {
        Figure(name: name, value: .int(value), text: String(value))
    }

    /// A number with `decimals` digits after the point; a dash where there is none.
    static func number(_ name: String, _ value: Double?, _ decimals: Int = 1) -> Figure {
        guard let value else { return Figure(name: name, value: .null, text: "-") }
        let text = NumberText.fixed(value, decimals: decimals)
        return Figure(name: name, value: value.isFinite ? .number(text) : .null, text: text)
    }

    /// A share, in percent.
    static func percent(_ name: String, _ share: Double?) -> Figure {
        number(name + "_pct", share.map { 100 * $0 })
    }
}

/// Writes rows of figures to standard output: as aligned tables, or as JSON lines.
final class Report {
    private let benchmark: String
    private let isJSON: Bool
    private var header: [String] = []
    private var lines: [[String]] = []

    init(_ benchmark: String, _ options: OutputOptions) {
        (self.benchmark, isJSON) = (benchmark, options.json)
    }

    /// Adds a row; rows with other names than the one before begin a new table.
    func add(_ figures: [Figure]) throws {
        if isJSON {
            let members =
                [("benchmark", JSON.string(benchmark))] + figures.map { ($0.name, $0.value) }
            return try StandardStream.output.write(
                JSON.object(members.map { (key: $0.0, value: $0.1) }).text() + "\n")
        }
        let names = figures.map(\.name)
        if names != header { try flush() }
        header = names
        lines.append(figures.map(\.text))
    }

    /// Adds a row that stands by itself: for people a line for each figure.
    func addFacts(_ figures: [Figure]) throws {
        if isJSON { return try add(figures) }
        try flush()
        let width = figures.map(\.name.count).max() ?? 0
        for figure in figures {
            let name = figure.name + String(repeating: " ", count: width - figure.name.count)
            try StandardStream.output.write("\(name)  \(figure.text)\n")
        }
    }

    /// Writes the table so far.
    func flush() throws {
        guard !lines.isEmpty else { return }
        var widths = header.map(\.count)
        for line in lines {
            for (column, text) in line.enumerated() {
                widths[column] = max(widths[column], text.count)
            }
        }
        var text = ""
        for line in [header] + lines {
            let cells = zip(line, widths).map { text, width in
                String(repeating: " ", count: width - text.count) + text
            }
            text += cells.joined(separator: "  ") + "\n"
        }
        (header, lines) = ([], [])
        try StandardStream.output.write(text + "\n")
    }
}
