import Uniem

/// What a run came to, in a few lines for people.
enum TrainingSummary {
    static func lines(_ outcome: FineTuner.Outcome) -> [String] {
        if outcome.status == .interrupted {
            var lines = ["Run \(outcome.runID) was stopped on request"]
            if let path = outcome.checkpointPath {
                lines.append("Its checkpoint lies in \(path); go on with:")
                lines.append("  uniem resume \(ShellWord.quoted(runFolder(of: path)))")
            }
            return lines
        }
        var lines: [String] = []
        if outcome.after.isEmpty {
            lines.append("Nothing was evaluated; --split 0.1 or --test FILE shows what was gained")
        }
        // Of many metrics the first two, and those that a gain is known of; the run's record has all.
        for (place, (name, after)) in outcome.after.enumerated()
        where place < 2 || outcome.gains.contains(where: { $0.name == name }) {
            let before = outcome.before.first { $0.name == name }?.value ?? .nan
            let gain = outcome.gains.first { $0.name == name }.map {
                " (\(signed($0.difference)), 95 % interval \(signed($0.low)) to \(signed($0.high)))"
            }
            lines.append("\(name): \(Metric.text(before)) -> \(Metric.text(after))\(gain ?? "")")
        }
        if let path = outcome.adapterPath, outcome.modelPath == nil {
            lines.append("The adapter lies in \(path); try it:")
            lines.append("  uniem encode \(ShellWord.quoted(path)) \"text\"")
        }
        if let path = outcome.modelPath {
            lines.append("The model lies in \(path); try it:")
            lines.append("  uniem encode \(ShellWord.quoted(path)) \"text\"")
        }
        return lines
    }

    /// The folder of the run that the checkpoint at `path` belongs to.
    private static func runFolder(of path: String) -> String {
        FileBytes.parent(of: path).flatMap(FileBytes.parent(of:)) ?? path
    }

    private static func signed(_ value: Double) -> String {
        (value >= 0 ? "+" : "") + Metric.text(value)
    }
}

/// Metrics for people.
enum Metric {
    /// Four digits after the point.
    static func text(_ value: Double) -> String { NumberText.fixed(value, decimals: 4) }
}

/// Words of a command line that can be copied.
enum ShellWord {
    /// `word` as it is where a shell takes it so, else in single quotes.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || Array("/._-+:@,".utf8).contains(byte)
                || byte >= 0x80
        }
        if isPlain && !word.isEmpty { return word }
        let parts = word.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + parts.joined(separator: "'\\''") + "'"
    }
}
