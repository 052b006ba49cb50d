import Files
import Foundation
import Hub
import TestSupport
import Testing

/// The cache is Python's: what `huggingface_hub` wrote is read here, and the other way round.
///
/// Needs a Python with `huggingface_hub`, named by `UNIEM_PYTHON` or found as `python3`; skipped without.
@Suite struct PythonCacheTests {
    static let python: String? = {
        let named = ProcessInfo.processInfo.environment["UNIEM_PYTHON"]
        let places = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let candidates = [named].compactMap { $0 } + places.map { "\($0)/python3" }
        for path in candidates where FileManager.default.isExecutableFile(atPath: path) {
            if (try? run(path, "import huggingface_hub", [:])) != nil { return path }
        }
        print(
            "note: tests of the cache with Python are skipped: no huggingface_hub (UNIEM_PYTHON names a Python that has it)"
        )
        return nil
    }()

    struct Failure: Error { var status: Int32 }

    /// Runs a program of Python; answers what it prints.
    static func run(_ python: String, _ program: String, _ environment: [String: String]) throws
        -> String
    {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", program]
        process.environment = environment.merging(
            [
                "PATH": "/usr/bin:/bin", "HOME": "/nonexistent",
                "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1",
            ]
        ) { mine, _ in mine }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(status: process.terminationStatus)
        }
        return String(decoding: data, as: UTF8.self)
    }

    let name: HubName
    let hub: TestHub

    init() throws {
        name = try HubName.parse("owner/small")
        hub = try TestHub()
        hub.add("owner/small", sampleModel)
    }

    @Test(.enabled(if: python != nil)) func pythonReadsOurs() throws {
        try withFolder { folder in
            let client = Hub(environment: hub.environment(folder), retry: .never).blocking
            let snapshot = try client.snapshot(name)
            hub.server.forget()
            let program = """
                from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
                print(snapshot_download('owner/small'))
                print(hf_hub_download('owner/small', '1_Pooling/config.json'))
                info = scan_cache_dir()
                print(len(info.warnings), [(r.repo_id, r.repo_type, r.nb_files) for r in info.repos])
                """
            let output = try Self.run(
                try #require(Self.python), program, ["HF_HOME": folder, "HF_HUB_OFFLINE": "1"])
            let lines = output.split(separator: "\n").map(String.init)
            #expect(
                lines == [
                    snapshot, snapshot + "/1_Pooling/config.json",
                    "0 [('owner/small', 'model', \(neededFiles.count))]",
                ])
            #expect(hub.server.requests.isEmpty)
        }
    }

    @Test(.enabled(if: python != nil)) func weReadPythons() throws {
        let storage = try TestHub()
        storage.add("owner/small", sampleModel)
        hub.update { $0.storage = storage.server.address }
        try withFolder { folder in
            let program = """
                from huggingface_hub import hf_hub_download
                for path in \(neededFiles): print(hf_hub_download('owner/small', path))
                """
            let environment = hub.environment(folder)
            let output = try Self.run(try #require(Self.python), program, environment.variables)
            hub.server.forget()
            let offline = Hub(environment: hub.environment(folder, ["HF_HUB_OFFLINE": "1"]))
            let snapshot = try offline.blocking.snapshot(name)
            let theirs = output.split(separator: "\n").map(String.init)
            let ours = neededFiles.map { snapshot + "/" + $0 }
            #expect(theirs == ours)
            #expect(try listed(snapshot) == neededFiles)
            #expect(hub.server.requests.isEmpty)
            // With the network nothing is fetched again.
            #expect(try Hub(environment: environment).blocking.snapshot(name) == snapshot)
            #expect(hub.server.downloads.isEmpty)
        }
    }
}
