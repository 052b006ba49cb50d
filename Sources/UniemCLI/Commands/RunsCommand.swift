import ArgumentParser

/// `uniem runs`: what was trained.
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "List, show, compare, export, watch and delete training runs.",
        discussion: """
            A RUN is its name, a beginning that only one run has, or its folder.

            Example:
              uniem runs list
              uniem runs show 2026-11-23_184501
              uniem runs watch
            """,
        subcommands: [
            RunsListCommand.self, RunsShowCommand.self, RunsCompareCommand.self,
            RunsExportCommand.self, RunsWatchCommand.self, RunsDeleteCommand.self,
        ])
}
