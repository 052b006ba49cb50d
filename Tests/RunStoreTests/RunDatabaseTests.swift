import Files
import GRDB
import RunStore
import Testing
import Tracking

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite struct RunDatabaseTests {
    @Test func aNewDatabaseHasTheDocumentedTables() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        #expect(try database.runs().isEmpty)
        let statements = try plain(folder.database) { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'grdb%'
                    ORDER BY name
                    """)
        }
        #expect(
            statements.map { $0.split(separator: " ").prefix(3).joined(separator: " ") } == [
                "CREATE TABLE checkpoints", "CREATE TABLE datasets",
                "CREATE TRIGGER datasets_without_run",
                "CREATE TABLE evaluations", "CREATE TABLE events", "CREATE INDEX events_run",
                "CREATE TABLE evidence", "CREATE TABLE examples", "CREATE TABLE gains",
                "CREATE TABLE metrics", "CREATE TABLE parameters", "CREATE TABLE run_datasets",
                "CREATE INDEX run_datasets_fingerprint", "CREATE TABLE runs",
                "CREATE INDEX runs_started_at", "CREATE TABLE weights",
            ])
        #expect(statements.joined(separator: ";\n") + ";\n" == GoldenSchema.second)
        func ask(_ sql: String) throws -> [String] {
            try plain(folder.database) { try String.fetchAll($0, sql: sql) }
        }
        #expect(try ask("PRAGMA journal_mode") == ["wal"])
        #expect(try ask("PRAGMA application_id") == ["1970170213"])
        #expect(try ask("SELECT identifier FROM grdb_migrations") == ["1 runs", "2 evidence"])
    }

    @Test func openingAgainKeepsWhatThereIs() throws {
        let folder = try TemporaryFolder()
        do { try Samples.record(Samples.info("a"), in: RunDatabase(path: folder.database)) }
        let again = try RunDatabase(path: folder.database, createIfMissing: false)
        #expect(try again.runs().map(\.id) == ["a"])
        #expect(
            try plain(folder.database) { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
                == "ok")
        #expect(
            try plain(folder.database) { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check") }
                .isEmpty)
    }

    @Test func afterARunTheFileAloneHoldsEverything() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("a"), in: database)
        let copy = folder.path + "/copy.sqlite"
        try FileBytes.writeAtomically(try FileBytes.read(folder.database), to: copy)
        #expect(try RunDatabase(path: copy).metrics("a").count == 20)
        _ = try database.runs()
    }

    @Test func anEmptyFileBecomesADatabase() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/runs.sqlite"
        try FileBytes.writeAtomically([], to: path)
        #expect(try RunDatabase(path: path).runs().isEmpty)
    }

    /// The error of opening `path`.
    private func refusal(_ path: String, create: Bool = true) throws -> String {
        let error = try #require(throws: FileError.self) {
            _ = try RunDatabase(path: path, createIfMissing: create)
        }
        #expect(error.path == path || path.hasPrefix(error.path))
        #expect(!error.remedy.isEmpty)
        #expect(!error.description.contains("\n"))
        return error.problem
    }

    @Test(arguments: [
        "hello, this is a text and no database\n", String(repeating: "x", count: 9000),
    ])
    func aFileThatIsNoDatabase(content: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/runs.sqlite"
        try FileBytes.writeAtomically(content, to: path)
        #expect(try refusal(path) == "not an SQLite database")
        #expect(try FileBytes.readText(path) == content)
    }

    @Test func aDatabaseOfAnotherProgramIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/runs.sqlite"
        try plain(path) { try $0.execute(sql: "CREATE TABLE songs (name TEXT)") }
        let before = try FileBytes.read(path)
        #expect(try refusal(path) == "an SQLite database, but not one of runs")
        #expect(try FileBytes.read(path) == before)
    }

    @Test func aNewerSchemaIsRefused() throws {
        let folder = try TemporaryFolder()
        do { _ = try RunDatabase(path: folder.database) }
        try plain(folder.database) {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 the future')")
        }
        #expect(
            try refusal(folder.database)
                == "the run database was written by a newer version (migration '9 the future')")
    }

    @Test func aDamagedDatabaseIsNamed() throws {
        let folder = try TemporaryFolder()
        do {
            let database = try RunDatabase(path: folder.database)
            try Samples.record(Samples.info("a"), in: database)
            try database.close()
        }
        for suffix in ["-wal", "-shm"] { try FileBytes.remove(folder.database + suffix) }
        var bytes = try FileBytes.read(folder.database)
        for index in 100..<bytes.count where index % 3 == 0 { bytes[index] = 0xA5 }
        try FileBytes.writeAtomically(bytes, to: folder.database)
        #expect(try refusal(folder.database).hasPrefix("the run database is damaged: "))
    }

    @Test func placesThatCannotBe() throws {
        let folder = try TemporaryFolder()
        #expect(try refusal(folder.path) == "a folder stands where the run database should be")
        #expect(try refusal(folder.database, create: false) == "there is no run database")
        #expect(!FileBytes.exists(folder.database))
        try FileBytes.writeAtomically("x", to: folder.path + "/file")
        #expect(throws: FileError.self) {
            _ = try RunDatabase(path: folder.path + "/file/runs.sqlite")
        }
        #expect(throws: FileError.self) { _ = try RunDatabase(path: "/proc/none/runs.sqlite") }
        #expect(
            try refusal("/proc/runs.sqlite").hasPrefix(
                "the run database cannot be opened for writing: "))
    }

    @Test(.enabled(if: geteuid() != 0, "the superuser may write anywhere"))
    func aFolderThatCannotBeWritten() throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        do {
            let database = try RunDatabase(path: path)
            try Samples.record(Samples.info("a"), in: database)
            try database.close()
        }
        for suffix in ["-wal", "-shm"] { try FileBytes.remove(path + suffix) }
        let runs = folder.path + "/Runs"
        _ = unsafe chmod(runs, 0o555)
        defer { _ = unsafe chmod(runs, 0o755) }
        let problem = "the run database cannot be opened for writing: "
        #expect(try refusal(path).hasPrefix(problem))
        _ = unsafe chmod(runs, 0o755)
        _ = unsafe chmod(path, 0o444)
        #expect(try refusal(path).hasPrefix(problem))
        _ = unsafe chmod(runs, 0o555)
        #expect(throws: FileError.self) { _ = try RunDatabase(path: runs + "/more/runs.sqlite") }
    }

    @Test func aTableThatVanishesIsReported() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "a")
        try tracker.track(.started(Samples.info("a")))
        // What another program may do to it while we train.
        try plain(folder.database) { try $0.execute(sql: "DROP TABLE events; DROP TABLE metrics") }
        try tracker.track(Samples.step(1))
        let error = try #require(throws: FileError.self) { try tracker.finish() }
        #expect(error.description.contains("no such table: metrics"))
    }

    @Test func anEditedRowIsAnErrorNotATrap() throws {
        let folder = try TemporaryFolder()
        let database = try RunDatabase(path: folder.database)
        try Samples.record(Samples.info("a"), in: database)
        try plain(folder.database) { try $0.execute(sql: "UPDATE runs SET seed = 'many'") }
        let error = try #require(throws: FileError.self) { _ = try database.runs() }
        #expect(error.description.contains("seed"))
        #expect(!error.description.contains("\n"))
        try plain(folder.database) {
            try $0.execute(sql: "UPDATE runs SET seed = 1, configuration = '{'")
        }
        #expect(throws: RunStoreError.self) { _ = try database.runs() }
    }

    @Test func twoConnectionsWriteAtTheSameTime() async throws {
        let folder = try TemporaryFolder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    // Each makes the database where it comes first.
                    let database = try RunDatabase(path: folder.database)
                    try record(300, run: "run-\(writer)", in: database)
                }
            }
            try await group.waitForAll()
        }
        let database = try RunDatabase(path: folder.database)
        #expect(try database.runs().count == 4)
        for writer in 0..<4 { #expect(try database.metrics("run-\(writer)").count == 300) }
        #expect(
            try plain(folder.database) { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
                == "ok")
    }

    @Test func aSecondProcessWritesAtTheSameTime() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        async let child = #expect(processExitsWith: .success) { [path = path as String] in
            try record(500, run: "child", in: RunDatabase(path: path))
        }
        try record(500, run: "parent", in: RunDatabase(path: path))
        _ = await child
        let database = try RunDatabase(path: path)
        #expect(try database.metrics("parent").count == 500)
        #expect(try database.metrics("child").count == 500)
        // The child ended without a word; its process is gone.
        #expect(try database.run("child").state == .crashed)
        #expect(try database.run("parent").state == .running)
        // The next run that starts says so for good.
        try Samples.record(Samples.info("third"), in: database)
        let status = try plain(path) {
            try String.fetchOne($0, sql: "SELECT status FROM runs WHERE id = 'child'")
        }
        #expect(status == "crashed")
        #expect(try database.events("child").last?.level == "error")
        #expect(try database.run("parent").state == .running)
    }
}

/// Records steps, each in a transaction of its own.
private func record(_ steps: Int, run: String, in database: RunDatabase) throws {
    let tracker = SQLiteTracker(
        database: database, runID: run, batching: SQLiteTracker.Batching(steps: 1))
    try tracker.track(.started(Samples.info(run)))
    for step in 1...steps { try tracker.track(Samples.step(step)) }
    try tracker.finish()
}
