internal import Files

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The identities of runs, as in `2026-11-23_184501_m3e-small_stsb_7f3a`: local date and time (so that they sort as
/// they were made), model, data and four random digits.
public enum RunID {
    private static let longestPart = 60
    private static let dataSuffixes = [".gz", ".jsonl", ".json", ".csv", ".tsv", ".txt"]

    /// An identity whose folder does not exist yet in the folder `directory`.
    ///
    /// `model` and `dataset` may be paths, hub names or lists of files; only letters, digits, `-`, `.` and `_` of
    /// their last part are kept. The time is local, as people read it in a folder's name; the database keeps UTC.
    public static func make(
        model: String, dataset: String, date: Date = Date(), in directory: String
    ) -> String {
        var generator = SystemRandomNumberGenerator()
        return make(
            model: model, dataset: dataset, date: date, in: directory, using: &generator)
    }

    static func make(
        model: String, dataset: String, date: Date, in directory: String,
        using generator: inout some RandomNumberGenerator
    ) -> String {
        let start = "\(localTime(date))_\(modelName(model))_\(datasetName(dataset))_"
        for attempt in 0... {
            // Four digits are enough unless a folder is crowded beyond reason.
            let digits = attempt < 100 ? 4 : 8
            let number = UInt32.random(in: 0..<(digits == 4 ? 0x10000 : .max), using: &generator)
            let hex = String(number, radix: 16)
            let id = start + String(repeating: "0", count: digits - hex.utf8.count) + hex
            if !FileBytes.exists(directory + "/" + id) { return id }
        }
        preconditionFailure("RunID.make: an endless range ended")
    }

    static func modelName(_ model: String) -> String {
        var name = FileBytes.name(of: model)
        // Training on from a finished run: its model stands in RUN/model.
        if name == "model", let parent = FileBytes.parent(of: model) {
            name = FileBytes.name(of: parent)
            let parts = name.split(separator: "_", omittingEmptySubsequences: false)
            if parts.count >= 5, parts[0].utf8.count == 10, parts[1].utf8.count == 6,
                parts[1].allSatisfy(\.isNumber)
            {
                name = parts[2..<(parts.count - 2)].joined(separator: "_")
            }
        }
        return clean(name, fallback: "model")
    }

    static func datasetName(_ dataset: String) -> String {
        let first = dataset.prefix { $0 != "," }
        var name = FileBytes.name(of: String(first.prefix { $0 != "#" }))
        for suffix in dataSuffixes where name.hasSuffix(suffix) {
            name.removeLast(suffix.count)
        }
        return clean(name, fallback: "data")
    }

    private static func clean(_ name: String, fallback: String) -> String {
        var out = String.UnicodeScalarView()
        var bytes = 0
        for scalar in name.unicodeScalars {
            let properties = scalar.properties
            let isKept =
                properties.isAlphabetic || properties.generalCategory == .nonspacingMark
                || properties.numericType == .decimal || ["-", ".", "_"].contains(scalar)
            let next: Unicode.Scalar = isKept ? scalar : "-"
            if next == "-", out.last == "-" { continue }
            if next == ".", out.isEmpty { continue }
            bytes += String(next).utf8.count
            if bytes > longestPart { break }
            out.append(next)
        }
        while let last = out.last, ["-", ".", "_"].contains(last) { out.removeLast() }
        while let first = out.first, ["-", "_"].contains(first) { out.removeFirst() }
        return out.isEmpty ? fallback : String(out)
    }

    private static func localTime(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = unsafe tm()
        guard unsafe localtime_r(&seconds, &parts) != nil else { return "0000-00-00_000000" }
        func digits(_ value: CInt, _ count: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let day = unsafe [
            digits(parts.tm_year + 1900, 4), digits(parts.tm_mon + 1), digits(parts.tm_mday),
        ]
        let time = unsafe digits(parts.tm_hour) + digits(parts.tm_min) + digits(parts.tm_sec)
        return day.joined(separator: "-") + "_" + time
    }
}

/// Moments as the database keeps them: ISO 8601, UTC, milliseconds, as in `2026-11-23T17:45:01.250Z`.
enum Timestamp {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    static func text(_ date: Date) -> String { date.formatted(style) }

    /// The local `2026-11-23 18:45` of a stored moment; what cannot be read stays as it is.
    static func local(_ text: String) -> String {
        guard let date = try? style.parse(text) else { return text }
        return RunID.localMinute(date)
    }
}

extension RunID {
    fileprivate static func localMinute(_ date: Date) -> String {
        let text = localTime(date)
        let parts = text.split(separator: "_")
        guard parts.count == 2 else { return text }
        return "\(parts[0]) \(parts[1].prefix(2)):\(parts[1].dropFirst(2).prefix(2))"
    }
}
