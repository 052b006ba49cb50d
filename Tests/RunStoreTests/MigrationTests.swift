import Files
import GRDB
import RunStore
import Testing
import Tracking

/// Databases of version 1, which users have.
@Suite struct MigrationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A database of version 1 with a finished and a running run.
    private func makeFirst() throws {
        try FileBytes.makeFolder(folder.path + "/Runs")
        let queue = try DatabaseQueue(path: folder.database)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        try queue.write { db in
            try db.execute(sql: GoldenSchema.first)
            try db.execute(
                sql: """
                    PRAGMA application_id = 1970170213;
                    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
                    INSERT INTO grdb_migrations VALUES ('1 runs');
                    """)
            for (id, status) in [("old", "finished"), ("open", "interrupted")] {
                try db.execute(
                    sql: """
                        INSERT INTO runs VALUES (
                            :id, :id, '/nowhere', 'm', 'd', 'pair', 'full', 'softmax', :status, '',
                            '2026-11-23T17:45:01.250Z', NULL, 1.5, 42, 1, 8, 0.001, 20, 80, 0, 0,
                            100, 100, 2, 'cpu', NULL, '{"a": 1}', '{}', 'elsewhere', 1, 'x')
                        """, arguments: ["id": id, "status": status])
                try db.execute(
                    sql: """
                        INSERT INTO parameters VALUES (:id, 'a', '1');
                        INSERT INTO metrics VALUES (:id, 1, 1, 0.5, 0.5, 0.001, NULL, 8, 90, 0, 0.1);
                        INSERT INTO metrics VALUES (:id, 2, 1, NULL, 0.5, 0.001, 2.0, 8, 90, 1, 0.1);
                        INSERT INTO evaluations VALUES (:id, 0, 'before', 'test', 'spearman', 0, 0.25);
                        INSERT INTO evaluations VALUES (:id, 2, 'epoch', 'train', 'loss', 1, NULL);
                        INSERT INTO evaluations VALUES (:id, 2, 'after', 'test', 'spearman', 1, 0.75);
                        INSERT INTO checkpoints VALUES (:id, 2, 'c/2', 7, '2026-11-23T17:45:02.250Z');
                        INSERT INTO events (run, time, level, text)
                            VALUES (:id, '2026-11-23T17:45:02.250Z', 'info', 'started');
                        """, arguments: ["id": id])
            }
        }
        try queue.close()
    }

    private func schema() throws -> String {
        try plain(folder.database) { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'grdb%'
                    ORDER BY name
                    """)
        }.map { $0 + ";\n" }.joined()
    }

    @Test(arguments: [false, true]) func isBroughtUpToDate(readOnly: Bool) throws {
        try makeFirst()
        let database =
            readOnly
            ? try RunDatabase(reading: folder.database) : try RunDatabase(path: folder.database)
        #expect(try schema() == GoldenSchema.second)
        let details = try database.details("old")
        #expect(details.run.state == .finished && details.run.spearmanAfter == 0.75)
        #expect(details.run.writes == 0 && details.run.configuration["a"]?.int == 1)
        #expect(details.metrics.map(\.loss) == [0.5, nil])
        #expect(
            details.evaluations.map { "\($0.step) \($0.phase) \($0.name) \($0.value ?? .nan)" }
                == ["0 before spearman 0.25", "2 epoch loss nan", "2 after spearman 0.75"])
        #expect(details.checkpoints.map(\.path) == ["c/2"] && details.events.count == 1)
        #expect(details.weights.isEmpty && details.datasets.isEmpty && details.gains.isEmpty)
        #expect(try database.check("old").isEmpty)
        let migrations = try plain(folder.database) {
            try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations ORDER BY 1")
        }
        #expect(migrations == ["1 runs", "2 evidence"])
    }

    @Test func anOldRunIsContinued() throws {
        try makeFirst()
        let database = try RunDatabase(path: folder.database)
        let tracker = SQLiteTracker(database: database, runID: "open")
        try tracker.track(.started(Samples.info("open", resumedFromStep: 1)))
        try tracker.track(.data(Samples.rows()))
        try tracker.track(Samples.step(2))
        try tracker.track(Samples.examples(2, [(0, 1.5)]))
        try tracker.track(Samples.evaluation(.step, step: 2, spearman: 0.5))
        try tracker.finish()
        let details = try database.details("open")
        #expect(details.metrics.map(\.step) == [1, 2])
        #expect(details.evaluations.map(\.phase) == ["before", "step", "step", "step"])
        #expect(details.worstExamples.map(\.content.texts) == [["text 0", "positive 0"]])
        try database.delete("old")
        #expect(try database.check("open").isEmpty)
    }

    @Test func severalProgramsOpenItAtOnce() async throws {
        try makeFirst()
        let path = folder.database
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<6 {
                group.addTask {
                    let database =
                        index % 2 == 0
                        ? try RunDatabase(path: path) : try RunDatabase(reading: path)
                    return try database.evaluations("old").count
                }
            }
            for try await count in group { #expect(count == 3) }
        }
        #expect(try schema() == GoldenSchema.second)
    }

    /// A program of version 1 that trains while another one brings the database up to date.
    @Test func anOldProgramWritesOn() throws {
        try makeFirst()
        let old = try DatabaseQueue(path: folder.database)
        let statement = """
            INSERT OR REPLACE INTO evaluations (run, step, phase, dataset, name, epoch, value)
            VALUES ('open', 9, 'epoch', 'train', 'loss', 1, 0.5)
            """
        try old.write { try $0.cachedStatement(sql: statement).execute() }
        let database = try RunDatabase(path: folder.database)
        try old.write { try $0.cachedStatement(sql: statement).execute() }
        #expect(try database.evaluations("open").map(\.step) == [0, 2, 2, 9])
    }
}
