internal import Files
internal import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The index of all runs: one SQLite file, by convention `Runs/runs.sqlite`.
///
/// Any number of processes may write different runs into one database at the same time (write-ahead log, a writer
/// waits up to ten seconds for another). What goes wrong with the file is thrown as a `FileError`. The tables are
/// described in <doc:RunStore>.
public final class RunDatabase: Sendable {
    /// The database file.
    public let path: String
    let pool: DatabasePool

    static let busySeconds = 10.0

    /// Opens the database at `path`.
    ///
    /// Where there is none, it is made together with its folder, unless `createIfMissing` is false: then a
    /// `FileError` says so. A database of an older version is brought up to date. A file that is no database, a
    /// database of another program or of a newer version, and a place that cannot be written are `FileError`s too.
    public convenience init(path: String, createIfMissing: Bool = true) throws {
        try self.init(
            path: path, createIfMissing: createIfMissing, busySeconds: RunDatabase.busySeconds)
    }

    /// Opens the database at `path` for asking only: nothing can be recorded or deleted through this value.
    ///
    /// Throws as ``init(path:createIfMissing:)``, except that a place that cannot be written is fine once the database
    /// is of this version.
    public init(reading path: String) throws {
        self.path = path
        try RunDatabase.requireFile(path)
        pool = try RunDatabase.translating(path) {
            try RunDatabase.retrying { try RunDatabase.openForReading(path) }
        }
    }

    init(path: String, createIfMissing: Bool, busySeconds: Double) throws {
        self.path = path
        let isNew = !FileBytes.exists(path)
        let folder = FileBytes.parent(of: path) ?? "."
        if isNew && createIfMissing {
            try FileBytes.makeFolder(folder)
        } else {
            try RunDatabase.requireFile(path)
        }
        pool = try RunDatabase.translating(path) {
            try RunDatabase.retrying { try RunDatabase.openPool(path, busySeconds: busySeconds) }
        }
        // SQLite brings the content to disk, not the name of the file.
        if isNew { try FileBytes.synchronize(folder: folder) }
    }

    private static func requireFile(_ path: String) throws(FileError) {
        if !FileBytes.exists(path) {
            throw FileError(
                path: path, problem: "there is no run database",
                remedy: "train a model first, or name the folder of the runs (--runs-dir)")
        }
        if FileBytes.isFolder(path) {
            throw FileError(
                path: path, problem: "a folder stands where the run database should be",
                remedy: "move it away, or choose another folder for the runs (--runs-dir)")
        }
    }

    /// Closes the file; nothing may be asked of the database afterwards. Without a call this happens when the last
    /// reference goes.
    public func close() throws { try RunDatabase.translating(path) { try pool.close() } }

    func read<T>(_ body: (Database) throws -> T) throws -> T {
        try RunDatabase.translating(path) { try pool.read(body) }
    }

    @discardableResult
    func write<T>(_ body: (Database) throws -> T) throws -> T {
        try RunDatabase.translating(path) { try pool.write(body) }
    }

    /// Runs `body` in a transaction that has survived a power cut once this returns, and with it all that was written
    /// before: the log is one file, and is brought to disk as a whole.
    func writeDurably(_ body: (Database) throws -> Void) throws {
        try RunDatabase.translating(path) {
            try pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON")
                // What fails here leaves the safer setting.
                defer {
                    try? db.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA fullfsync = OFF")
                }
                try db.inTransaction(.immediate) {
                    try body(db)
                    return .commit
                }
            }
        }
    }

    /// Brings the write-ahead log into the file, as far as other readers allow it now.
    func checkpoint() throws {
        try RunDatabase.translating(path) {
            try pool.writeWithoutTransaction { db in
                do { try db.checkpoint(.passive) } catch DatabaseError.SQLITE_BUSY {
                    // Another process is at it.
                }
            }
        }
    }

    private static func configuration(busySeconds: Double) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busySeconds)
        configuration.foreignKeysEnabled = true
        configuration.label = "uniem.runs"
        return configuration
    }

    private static func openPool(_ path: String, busySeconds: Double) throws -> DatabasePool {
        let configuration = configuration(busySeconds: busySeconds)
        let migrator = Schema.migrator
        // Looked at before it is opened for writing, which would change the journal of someone else's file.
        if FileBytes.exists(path) { _ = try look(path, migrator) }
        let pool = try DatabasePool(path: path, configuration: configuration)
        let state = try pool.read { db in try Schema.state(of: db, migrator) }
        try refuseOthers(state, path)
        switch state {
        case .empty, .older: try migrator.migrate(pool)
        case .current, .newer, .foreign: break
        }
        return pool
    }

    private static func openForReading(_ path: String) throws -> DatabasePool {
        if case .current = try look(path, Schema.migrator) {
        } else {
            try openPool(path, busySeconds: busySeconds).close()
        }
        var reading = configuration(busySeconds: busySeconds)
        reading.readonly = true
        return try DatabasePool(path: path, configuration: reading)
    }

    /// What the file at `path` is; throws for what is none of ours.
    private static func look(
        _ path: String, _ migrator: DatabaseMigrator
    ) throws -> Schema.State {
        var looking = configuration(busySeconds: busySeconds)
        looking.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: looking)
        let state = try queue.read { db in try Schema.state(of: db, migrator) }
        try refuseOthers(state, path)
        return state
    }

    private static func refuseOthers(_ state: Schema.State, _ path: String) throws {
        switch state {
        case .empty, .older, .current: break
        case .newer(let migration):
            throw FileError(
                path: path,
                problem:
                    "the run database was written by a newer version (migration '\(migration)')",
                remedy: "update uniem, or choose another folder for the runs (--runs-dir)")
        case .foreign:
            throw FileError(
                path: path, problem: "an SQLite database, but not one of runs",
                remedy: "move it away, or choose another folder for the runs (--runs-dir)")
        }
    }

    /// Opens again where another process is just making the same database: its lock, or a table that it made first.
    private static func retrying<T>(_ body: () throws -> T) throws -> T {
        let deadline = ContinuousClock.now + .seconds(busySeconds)
        while true {
            do {
                return try body()
            } catch let error as DatabaseError {
                let isTransient = [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_ERROR]
                    .contains(error.resultCode)
                guard isTransient, ContinuousClock.now < deadline else { throw error }
                _ = usleep(20_000)
            }
        }
    }

    /// Runs `body`; an SQLite error becomes one line that says what to do.
    static func translating<T>(_ path: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw fileError(path, error)
        } catch let error as RowDecodingError {
            let text = error.description.split(separator: "\n").joined(separator: " ")
            throw FileError(
                path: path, problem: "the run database holds an unexpected value: \(text)",
                remedy: "undo the change that was made to it by other means")
        }
    }

    private static func fileError(_ path: String, _ error: DatabaseError) -> FileError {
        let elsewhere = "choose another folder for the runs (--runs-dir)"
        let detail = error.message ?? "error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_NOTADB:
            return FileError(
                path: path, problem: "not an SQLite database",
                remedy: "move the file away, or \(elsewhere)")
        case .SQLITE_CORRUPT:
            return FileError(
                path: path, problem: "the run database is damaged: \(detail)",
                remedy: "save what can be read with `sqlite3 FILE .recover`, then move it away")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            return FileError(
                path: path, problem: "the run database cannot be opened for writing: \(detail)",
                remedy: "make the file and its folder writable, or \(elsewhere)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return FileError(
                path: path,
                problem: "another process has locked the run database for over"
                    + " \(Int(busySeconds)) seconds",
                remedy: "end the program that holds it and try again")
        case .SQLITE_FULL:
            return FileError(
                path: path, problem: "the disk is full", remedy: "free some space, or \(elsewhere)")
        case .SQLITE_IOERR:
            return FileError(
                path: path, problem: "the run database cannot be read or written: \(detail)",
                remedy: "check the disk; on a network file system that cannot lock, \(elsewhere)")
        default: return FileError(path: path, problem: "the run database failed: \(detail)")
        }
    }
}
