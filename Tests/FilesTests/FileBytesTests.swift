import Dispatch
import Files
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// From now on this process can write no file beyond `bytes`, as on a full disk.
private func limitFileSize(_ bytes: Int) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: rlim_t(bytes))
    #if canImport(Glibc)
        let status = unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    #else
        let status = unsafe setrlimit(RLIMIT_FSIZE, &limit)
    #endif
    precondition(status == 0, "setrlimit: \(errno)")
}

@Suite struct WritingTests {
    @Test func atomicWrite() throws {
        try withFolder { folder in
            let path = folder + "/file"
            try FileBytes.writeAtomically([1, 2, 3], to: path)
            try FileBytes.writeAtomically("é\n", to: path)
            #expect(try FileBytes.read(path) == [0xC3, 0xA9, 0x0A])
            try FileBytes.writeAtomically([], to: path)
            #expect(try FileBytes.size(path) == 0)
            #expect(try FileBytes.names(in: folder) == ["file"])
        }
    }

    @Test func errorsNameTheFileThatWasAskedFor() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("x", to: folder + "/file")
            for path in [folder + "/no/file", folder + "/file/below"] {
                let error = try #require(fileError { try FileBytes.writeAtomically("y", to: path) })
                #expect(error.path == path)
            }
            // A folder cannot be replaced by a file, and nothing stays behind.
            try FileBytes.makeFolder(folder + "/folder")
            let error = try #require(
                fileError { try FileBytes.writeAtomically("y", to: folder + "/folder") })
            #expect(error.path == folder + "/folder")
            #expect(try FileBytes.names(in: folder) == ["file", "folder"])
        }
    }

    /// Around the size of the pieces that go past the cache; also on a file system in memory, which may refuse that.
    @Test(arguments: [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, (3 << 20) + 4097])
    func pastTheCache(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try withFolder { folder in
            var places = [folder + "/file"]
            if FileBytes.isFolder("/dev/shm") {
                places.append("/dev/shm/uniem-\(getpid())-\(count)")
            }
            defer { for place in places { try? FileBytes.remove(place) } }
            for place in places {
                let file = try FileWriter(path: place, waits: true, bypassesCache: true)
                try file.write(Array(bytes.prefix(7)))
                try file.write([])
                try file.write(Array(bytes.dropFirst(7)))
                try file.close()
                try file.close()
                #expect(try FileBytes.read(place) == bytes, "\(place)")
            }
        }
    }

    @Test(.enabled(if: FileBytes.exists("/dev/full"), "there is no /dev/full"))
    func fullDisk() throws {
        let error = try #require(
            fileError {
                let file = try FileWriter(path: "/dev/full")
                try file.write([1])
                try file.close()
            })
        #expect(error.path == "/dev/full")
        #expect(error.problem.contains("No space left") && error.remedy.contains("free some space"))
    }

    /// In a process of its own: the limit holds for all of it.
    @Test func oldContentStaysWhereTheDiskIsFull() async throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/uniem-full-\(UUID().uuidString)"
        try FileBytes.makeFolder(folder)
        defer { try? FileBytes.remove(folder) }
        try FileBytes.writeAtomically("the old content", to: folder + "/file")
        try FileBytes.replaceFolder(folder + "/model") {
            try FileBytes.writeAtomically("old", to: $0 + "/weights")
        }
        await #expect(processExitsWith: .success) { [folder = folder as String] in
            // The limit is met within a piece that goes past the cache.
            limitFileSize((1 << 20) + 5000)
            let first = fileError {
                try FileBytes.replaceFolder(folder + "/model") {
                    let file = try FileWriter(
                        path: $0 + "/weights", waits: false, bypassesCache: true)
                    try file.write([UInt8](repeating: 1, count: 3 << 20))
                    try file.close()
                }
            }
            precondition(first?.problem.contains("write") == true)
            limitFileSize(100)
            let big = [UInt8](repeating: 1, count: 200)
            let second = fileError { try FileBytes.writeAtomically(big, to: folder + "/file") }
            precondition(
                second?.path == folder + "/file" && second?.problem.contains("write") == true)
            let third = fileError {
                try FileBytes.replaceFolder(folder + "/model") {
                    let file = try FileWriter(path: $0 + "/weights")
                    try file.write(big)
                    try file.close()
                }
            }
            precondition(third?.problem.contains("write") == true)
        }
        #expect(try FileBytes.readText(folder + "/file") == "the old content")
        #expect(try FileBytes.readText(folder + "/model/weights") == "old")
        #expect(try FileBytes.names(in: folder) == ["file", "model"])
    }
}

@Suite struct ReplaceFolderTests {
    private struct Refused: Error {}

    private func content(_ folder: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for name in try FileBytes.names(in: folder) {
            result[name] = try FileBytes.readText(folder + "/" + name)
        }
        return result
    }

    @Test(arguments: ["/model", "/model/", "/model//", "/deep/er/model"])
    func newAndOld(_ name: String) throws {
        try withFolder { folder in
            let path = folder + name
            try FileBytes.replaceFolder(path) { temporary in
                #expect(!FileBytes.exists(path))
                try FileBytes.writeAtomically("1", to: temporary + "/a")
                try FileBytes.writeAtomically("1", to: temporary + "/b")
            }
            #expect(try content(path) == ["a": "1", "b": "1"])
            try FileBytes.replaceFolder(path) { temporary in
                #expect(try FileBytes.names(in: temporary).isEmpty)
                #expect(try content(path) == ["a": "1", "b": "1"])
                try FileBytes.writeAtomically("2", to: temporary + "/b")
            }
            #expect(try content(path) == ["b": "2"])
            let parent = try #require(FileBytes.parent(of: path))
            #expect(try FileBytes.names(in: parent) == ["model"])
        }
    }

    @Test func oldStaysWhereBuildThrows() throws {
        try withFolder { folder in
            let path = folder + "/model"
            #expect(throws: Refused.self) {
                try FileBytes.replaceFolder(path) { _ in throw Refused() }
            }
            #expect(try FileBytes.names(in: folder).isEmpty)
            try FileBytes.replaceFolder(path) { try FileBytes.writeAtomically("1", to: $0 + "/a") }
            #expect(throws: Refused.self) {
                try FileBytes.replaceFolder(path) { temporary in
                    try FileBytes.writeAtomically("2", to: temporary + "/a")
                    throw Refused()
                }
            }
            #expect(try content(path) == ["a": "1"])
            #expect(try FileBytes.names(in: folder) == ["model"])
        }
    }

    @Test func aFileIsNoFolder() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("letter", to: folder + "/file")
            let error = try #require(
                fileError { try FileBytes.replaceFolder(folder + "/file") { _ in } })
            #expect(error.path == folder + "/file")
            #expect(try FileBytes.readText(folder + "/file") == "letter")
        }
    }

    @Test func oldStaysWhereTheProcessIsKilled() async throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/uniem-kill-\(UUID().uuidString)"
        try FileBytes.makeFolder(folder)
        defer { try? FileBytes.remove(folder) }
        let path = folder + "/model"
        try FileBytes.replaceFolder(path) { try FileBytes.writeAtomically("1", to: $0 + "/a") }
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            try FileBytes.replaceFolder(path) { temporary in
                try FileBytes.writeAtomically("2", to: temporary + "/a")
                kill(getpid(), SIGKILL)
            }
        }
        #expect(try content(path) == ["a": "1"])
        // What the dead process left does not get in the way.
        try FileBytes.replaceFolder(path) { try FileBytes.writeAtomically("3", to: $0 + "/a") }
        #expect(try content(path) == ["a": "3"])
    }

    /// Someone who looks all the time never finds the place empty or half full.
    @Test(.enabled(if: isLinux, "needs a file system that can exchange folders"))
    func thereIsNoMomentWithout() throws {
        try withFolder { folder in
            let path = folder + "/model"
            try FileBytes.replaceFolder(path) { try FileBytes.writeAtomically("0", to: $0 + "/a") }
            let (isDone, missing) = (Shared(false), Shared(0))
            let group = DispatchGroup()
            // On a thread of its own, which the tests beside this one cannot hold up.
            DispatchQueue(label: "watcher").async(group: group) {
                while !isDone.value {
                    if !FileBytes.exists(path + "/a") { missing.change { $0 += 1 } }
                }
            }
            for index in 1...100 {
                try FileBytes.replaceFolder(path) {
                    try FileBytes.writeAtomically("\(index)", to: $0 + "/a")
                }
            }
            isDone.change { $0 = true }
            group.wait()
            #expect(missing.value == 0)
        }
    }
}

/// A value that threads share.
private final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value { state.withLock { $0 } }
    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}

private let isLinux: Bool = {
    #if os(Linux)
        true
    #else
        false
    #endif
}()

@Suite struct FolderTests {
    @Test func makeAndRemove() throws {
        try withFolder { folder in
            try FileBytes.makeFolder(folder + "/a/b//c/")
            try FileBytes.makeFolder(folder + "/a/b/c")
            #expect(FileBytes.isFolder(folder + "/a/b/c"))
            try FileBytes.writeAtomically("x", to: folder + "/a/b/file")
            _ = unsafe symlink(folder + "/outside", folder + "/a/b/link")
            try FileBytes.makeFolder(folder + "/outside")
            try FileBytes.writeAtomically("x", to: folder + "/outside/kept")
            #expect(try FileBytes.names(in: folder + "/a/b") == ["c", "file", "link"])
            try FileBytes.remove(folder + "/a")
            #expect(!FileBytes.exists(folder + "/a"))
            // A link is removed, not what it points to.
            #expect(FileBytes.exists(folder + "/outside/kept"))
            try FileBytes.remove(folder + "/a")
            try FileBytes.remove(folder + "/outside/kept")
            #expect(try FileBytes.names(in: folder + "/outside").isEmpty)
        }
    }

    @Test func makingBelowAFile() throws {
        try withFolder { folder in
            try FileBytes.writeAtomically("x", to: folder + "/file")
            let error = try #require(fileError { try FileBytes.makeFolder(folder + "/file/a/b") })
            #expect(error.path.hasPrefix(folder + "/file"))
            #expect(
                try #require(fileError { _ = try FileBytes.names(in: folder + "/file") }).path
                    == folder + "/file")
            #expect(fileError { _ = try FileBytes.size(folder + "/no") } != nil)
        }
    }

    @Test func parts() {
        let cases: [(String, String?, String)] = [
            ("a", nil, "a"), ("a/", nil, "a"), ("/", "/", ""), ("/a", "/", "a"), ("/a/", "/", "a"),
            ("a/b", "a", "b"), ("a/b/", "a", "b"), ("a//b//", "a", "b"), ("/a/b.c", "/a", "b.c"),
            // A slash and a combining accent are one Character.
            ("a/\u{301}b", "a", "\u{301}b"), ("é/ü", "é", "ü"),
        ]
        for (path, parent, name) in cases {
            #expect(FileBytes.parent(of: path) == parent, "\(path)")
            #expect(Array(FileBytes.name(of: path).utf8) == Array(name.utf8), "\(path)")
        }
    }

    @Test func absolutePaths() throws {
        try withFolder { folder in
            try FileBytes.makeFolder(folder + "/real")
            _ = unsafe symlink(folder + "/real", folder + "/link")
            #expect(FileBytes.absolute(folder + "/link") == FileBytes.absolute(folder + "/real"))
            #expect(
                FileBytes.absolute(folder + "/real/../real/.")
                    == FileBytes.absolute(folder + "/real"))
            #expect(FileBytes.absolute(folder + "/no/where") == folder + "/no/where")
        }
    }

    @Test func errorsAreOneLine() {
        let error = FileError(path: "a", line: 3, problem: "bad", remedy: "mend it")
        #expect(error.description == "a:3: bad; mend it")
        #expect(FileError(path: "a", problem: "bad").description == "a: bad")
        let denied = FileError(path: "a", action: "open", code: EACCES)
        #expect(denied.description.contains("cannot open") && !denied.remedy.isEmpty)
    }
}

@Suite struct MappedFileTests {
    @Test func bytes() throws {
        try withFolder { folder in
            let content = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let file = try MappedFile(path: try write(content, "file", in: folder))
            #expect(file.count == content.count)
            #expect(file.bytes(in: 0..<content.count) == content)
            #expect(file.bytes(in: 5000..<5003) == Array(content[5000..<5003]))
            #expect(file.bytes(in: 10_000..<10_000) == [])
            #expect(file.withBytes { $0.byteCount } == content.count)
            // Removed files stay readable while they are mapped.
            try FileBytes.remove(file.path)
            #expect(file.bytes(in: 9_999..<10_000) == [content[9_999]])
        }
    }

    @Test func emptyAndBad() throws {
        try withFolder { folder in
            let empty = try MappedFile(path: try write([], "empty", in: folder))
            #expect(empty.count == 0 && empty.bytes(in: 0..<0) == [])
            #expect(empty.withBytes { $0.byteCount } == 0)
            #expect(
                try #require(fileError { _ = try MappedFile(path: folder) }).problem
                    .contains("regular file"))
            #expect(fileError { _ = try MappedFile(path: folder + "/no") }?.path == folder + "/no")
            #expect(fileError { _ = try MappedFile(path: "/dev/null") } != nil)
        }
    }
}
