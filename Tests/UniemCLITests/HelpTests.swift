import ArgumentParser
import Files
import Foundation
import Testing

@testable import UniemCLI

/// The help texts are part of the interface. `UNIEM_UPDATE_HELP=1 swift test --filter HelpTests` writes them anew; look
/// at the difference before you keep it.
@Suite("Help")
struct HelpTests {
    static let commands: [(String, any ParsableCommand.Type)] = [
        ("uniem", UniemCommand.self), ("finetune", FinetuneCommand.self),
        ("encode", EncodeCommand.self), ("evaluate", EvaluateCommand.self),
        ("init", InitCommand.self), ("inspect", InspectCommand.self), ("runs", RunsCommand.self),
        ("runs-list", RunsListCommand.self), ("runs-show", RunsShowCommand.self),
        ("runs-compare", RunsCompareCommand.self), ("runs-delete", RunsDeleteCommand.self),
        ("runs-export", RunsExportCommand.self), ("runs-watch", RunsWatchCommand.self),
        ("resume", ResumeCommand.self),
    ]

    @Test("is what stands in the folder Help", arguments: commands.map(\.0))
    func snapshot(_ name: String) throws {
        let type = try #require(HelpTests.commands.first { $0.0 == name }?.1)
        let text = UniemCommand.helpMessage(for: type, columns: 80) + "\n"
        let path =
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Help/\(name).txt")
            .path
        if ProcessInfo.processInfo.environment["UNIEM_UPDATE_HELP"] == "1" {
            try FileBytes.writeAtomically(text, to: path)
        }
        #expect(try FileBytes.readText(path) == text)
    }

    @Test("names the default of each option that takes a value", arguments: commands.map(\.0))
    func defaults(_ name: String) throws {
        let type = try #require(HelpTests.commands.first { $0.0 == name }?.1)
        // What needs no value, or must be given, has no default.
        let without = [
            "--dataset", "--rename", "--validation", "--test", "--split", "--input", "--vocab ",
            "--corpus",
        ]
        var entries: [String] = []
        for line in UniemCommand.helpMessage(for: type, columns: 80).split(separator: "\n") {
            if line.hasPrefix("  -") {
                entries.append(String(line))
            } else if line.hasPrefix("      "), !entries.isEmpty {
                entries[entries.count - 1] += line
            }
        }
        #expect(!entries.isEmpty)
        for entry in entries where entry.contains("<") || entry.contains("/--no-") {
            let isKnown = without.contains { entry.hasPrefix("  " + $0) }
            #expect(
                isKnown || entry.contains("(default:") || entry.contains("default:"), "\(entry)")
        }
    }
}
