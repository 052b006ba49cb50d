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
    /// `FileError` says so. A file that is no database, a database of another program or of a newer version, and a
    /// place that cannot be written are `FileError`s too.
    public init(path: String, createIfMissing: Bool = true) throws {
        self.path = path
        if !FileBytes.exists(path) {
            guard createIfMissing else {
                throw FileError(
                    path: path, problem: "there is no run database",
                    remedy: "train a model first, or name the folder of the runs (--runs-dir)")
            }
            try FileBytes.makeFolder(FileBytes.parent(of: path) ?? ".")
        } else if FileBytes.isFolder(path) {
            throw FileError(
                path: path, problem: "a folder stands where the run database should be",
                remedy: "move it away, or choose another folder for the runs (--runs-dir)")
        }
        pool = try RunDatabase.translating(path) {
            try RunDatabase.retrying { try RunDatabase.openPool(path) }
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

    private static func openPool(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busySeconds)
        configuration.foreignKeysEnabled = true
        configuration.label = "uniem.runs"
        let migrator = Schema.migrator
        if FileBytes.exists(path) {
            // Looked at before it is opened for writing, which would change the journal of someone else's file.
            var looking = configuration
            looking.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: looking)
            try refuseOthers(try queue.read { db in try Schema.state(of: db, migrator) }, path)
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        let state = try pool.read { db in try Schema.state(of: db, migrator) }
        try refuseOthers(state, path)
        switch state {
        case .empty, .older: try migrator.migrate(pool)
        case .current, .newer, .foreign: break
        }
        return pool
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
