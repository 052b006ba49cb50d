import Uniem

/// What repeats in a data set, or looks like a mistake.
struct OddityReport {
    /// Rows that repeat an earlier one, byte for byte in all texts and in the label.
    let repeatedRows: Int
    /// Texts that stood somewhere before.
    let repeatedTexts: Int
    /// Pairs of rows that share their text or their positive: each is a false negative of the other in a batch.
    let conflicts: Int
    /// Rows whose first two texts are the same.
    let equalTexts: Int
    /// Triplets whose positive is their negative.
    let equalNegatives: Int
    /// Texts with white space around them.
    let padded: Int
    private let rows: Int

    init(_ data: Dataset) {
        var seenRows: Set<[UInt8]> = []
        var seenTexts: Set<[UInt8]> = []
        var (repeatedRows, repeatedTexts, equalTexts, equalNegatives, padded) = (0, 0, 0, 0, 0)
        var groups: [[[UInt8]: Int]] = [[:], [:], [:]]
        for index in 0..<data.count {
            let record = data.records[index]
            let texts = record.texts.map { Array($0.utf8) }
            // UTF-8 never holds 0xFF.
            var key: [UInt8] = []
            for text in texts { key += text + [0xFF as UInt8] }
            if let label = record.label { key += "\(label)".utf8 }
            if !seenRows.insert(key).inserted { repeatedRows += 1 }
            for text in texts {
                if !seenTexts.insert(text).inserted { repeatedTexts += 1 }
                if OddityReport.isSpace(text.first) || OddityReport.isSpace(text.last) {
                    padded += 1
                }
            }
            if texts[0] == texts[1] { equalTexts += 1 }
            if texts.count == 3, texts[1] == texts[2] { equalNegatives += 1 }
            groups[0][texts[0], default: 0] += 1
            groups[1][texts[1], default: 0] += 1
            groups[2][texts[0] + [0xFF] + texts[1], default: 0] += 1
        }
        func pairs(_ group: [[UInt8]: Int]) -> Int {
            group.values.reduce(0) { $0 + $1 * ($1 - 1) / 2 }
        }
        (self.repeatedRows, self.repeatedTexts) = (repeatedRows, repeatedTexts)
        (self.equalTexts, self.equalNegatives) = (equalTexts, equalNegatives)
        self.padded = padded
        // Rows that share both are counted once.
        conflicts =
            data.kind == .scoredPair ? 0 : pairs(groups[0]) + pairs(groups[1]) - pairs(groups[2])
        rows = data.count
    }

    private static func isSpace(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    /// How many of the conflicts meet in a random batch of `size` rows, on average.
    func expectedConflicts(batchSize size: Int) -> Double {
        guard rows > 1 else { return 0 }
        let size = Double(min(size, rows))
        return Double(conflicts) * size * (size - 1) / (Double(rows) * Double(rows - 1))
    }

    func facts(_ kind: RecordKind) -> [(name: String, value: String)] {
        var facts = [("Repeated rows", "\(repeatedRows)"), ("Repeated texts", "\(repeatedTexts)")]
        if kind != .scoredPair {
            let (small, large) = (
                expectedConflicts(batchSize: 32), expectedConflicts(batchSize: 256)
            )
            facts.append(
                (
                    "False negatives",
                    "\(conflicts) pairs of rows share a text or a positive; "
                        + "\(NumberText.fixed(small, decimals: 2)) in a batch of 32, "
                        + "\(NumberText.fixed(large, decimals: 2)) in one of 256"
                ))
        }
        facts.append(("Equal texts", "\(equalTexts) rows hold the same text twice"))
        if kind == .triplet {
            facts.append(
                ("Equal negatives", "\(equalNegatives) rows have their positive as negative"))
        }
        if padded > 0 { facts.append(("White space", "around \(padded) texts")) }
        return facts.map { (name: $0.0, value: $0.1) }
    }

    var json: [(key: String, value: JSON)] {
        [
            ("repeated_rows", .int(repeatedRows)), ("repeated_texts", .int(repeatedTexts)),
            ("conflicting_row_pairs", .int(conflicts)),
            ("conflicts_in_batch_of_32", .double(expectedConflicts(batchSize: 32))),
            ("conflicts_in_batch_of_256", .double(expectedConflicts(batchSize: 256))),
            ("equal_texts", .int(equalTexts)), ("equal_negatives", .int(equalNegatives)),
            ("texts_with_white_space", .int(padded)),
        ]
    }
}
