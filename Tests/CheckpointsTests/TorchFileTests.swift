import Files
import Layers
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

struct TorchFileTests {
    static let modelFolders: [String] = GoldenRoot.all.flatMap { root -> [String] in
        let models = root.folder + "/models"
        let names = (try? FileBytes.names(in: models)) ?? []
        return names.map { models + "/" + $0 }.filter(FileBytes.isFolder)
    }

    /// The files in `folder` that begin and end so.
    private func files(_ folder: String, _ start: String, _ end: String) throws -> [String] {
        try FileBytes.names(in: folder).filter { $0.hasPrefix(start) && $0.hasSuffix(end) }
            .map { folder + "/" + $0 }
    }

    @Test(arguments: modelFolders)
    func modelsEqualTheirSafetensors(_ folder: String) throws {
        let pickles = try files(folder, "pytorch_model", ".bin")
        let others = try files(folder, "model", ".safetensors")
        var expected: [String: (shape: Shape, type: String, bits: [UInt32]?)] = [:]
        for path in others {
            let file = try SafetensorsFile(path: path)
            for entry in file.entries {
                let isFloat = ElementType(rawValue: entry.type) != nil
                expected[entry.name] = (
                    entry.shape, entry.type, isFloat ? try file.tensor(entry).bits : nil
                )
            }
        }
        // bert-old-names holds both forms of one state dict.
        for group in [
            pickles.filter { $0.hasSuffix("legacy.bin") },
            pickles.filter { !$0.hasSuffix("legacy.bin") },
        ] where !group.isEmpty {
            var seen: Set<String> = []
            for path in group {
                let file = try TorchFile(path: path)
                for entry in file.entries {
                    #expect(seen.insert(entry.name).inserted, "\(entry.name) twice")
                    if others.isEmpty { continue }
                    // A tied tensor stands in the safetensors file once.
                    guard let other = expected[entry.name] else { continue }
                    #expect(entry.shape == other.shape && entry.type == other.type)
                    guard let bits = other.bits else {
                        #expect(throws: FileError.self) { try file.tensor(entry) }
                        continue
                    }
                    #expect(try file.tensor(entry).bits == bits, "\(path) \(entry.name)")
                }
            }
            #expect(seen.isSuperset(of: expected.keys), "\(folder) lacks tensors")
            #expect(seen.count > 10)
        }
    }

    @Test(
        arguments: [
            "views.bin", "protocol5.bin", "legacy.bin", "deflated.bin", "tar.bin",
        ])
    func viewsTypesAndForms(_ name: String) throws {
        let expected = try SafetensorsFile(path: torchFixture("views.safetensors"))
        let file = try TorchFile(path: torchFixture(name))
        let isTar = name == "tar.bin"
        for other in expected.entries where !(isTar && other.name == "empty") {
            let entry = try #require(file.entries.first { $0.name == other.name }, "\(other.name)")
            #expect(entry.shape == other.shape, "\(entry.name)")
            let (mine, wanted) = (try file.tensor(entry), try expected.tensor(other))
            #expect(mine.bits == wanted.bits, "\(entry.name)")
        }
        #expect(file.entries.count == (isTar ? 20 : 22))
        func type(_ name: String) -> String? { file.entries.first { $0.name == name }?.type }
        #expect(type("half") == "F16" && type("bfloat_strided") == "BF16")
        #expect(type("double") == "F64" && type("ids") == "I64")
        #expect(type("flags") == (isTar ? nil : "BOOL"))
        let ids = try #require(
            fileErrorText { _ = try file.tensor(named: "ids") }, "whole numbers are no weights")
        #expect(ids.contains("ids") && ids.contains("I64"))
        #expect(try file.tensor(named: "nothing") == nil)
        // From memory just as from the mapped file.
        let bytes = try FileBytes.read(torchFixture(name))
        #expect(
            try fuzzTorchFile(bytes) == file.entries.count { ElementType(rawValue: $0.type) != nil }
        )
    }

    @Test func tiedTensorsAreOneStorage() throws {
        let file = try TorchFile(path: torchFixture("views.bin"))
        let plain = try #require(file.entries.first { $0.name == "plain" })
        let tied = try #require(file.entries.first { $0.name == "tied" })
        #expect(plain.place == tied.place && plain.isContiguous)
        let transposed = try #require(file.entries.first { $0.name == "transposed" })
        let straight = try #require(file.entries.first { $0.name == "untransposed" })
        #expect(transposed.place == straight.place && !transposed.isContiguous)
    }

    @Test func typesOfNewerVersionsAreListed() throws {
        let file = try TorchFile(path: torchFixture("new-types.bin"))
        #expect(file.entries.map(\.type) == ["F8_E4M3", "U16", "F32"])
        #expect(try file.tensor(named: "w")?.values == [1, 1])
        #expect(throws: FileError.self) { try file.tensor(named: "f8") }
    }

    @Test(
        arguments: [
            ("big-endian.bin", "byte order"), ("module.bin", "torch.nn.modules.linear.Linear"),
            ("nested.bin", "state_dict"), ("numpy.bin", "numpy"), ("list.bin", "dictionary"),
            ("sparse.bin", "torch._utils._rebuild_sparse_tensor"), ("script.bin", "TorchScript"),
        ])
    func otherFilesAreRefusedByName(_ name: String, _ word: String) throws {
        let path = torchFixture(name)
        let error = try #require(fileErrorText { _ = try TorchFile(path: path) })
        #expect(error.hasPrefix(path) && error.contains(word), "\(error)")
    }

    @Test func otherBytesAreRefused() throws {
        #expect(refusal(file: [])?.contains("torch.save") == true)
        #expect(
            refusal(file: Array("version https://git-lfs.github.com".utf8))?.contains("LFS") == true
        )
        #expect(refusal(file: Array("<html>not found".utf8))?.contains("<html>") == true)
        #expect(refusal(file: Array("PK".utf8)) != nil)
        // A pickle of Python that torch.save did not write.
        #expect(refusal(file: [0x80, 2, UInt8(ascii: "K"), 1, UInt8(ascii: ".")]) != nil)
    }

    private func fileErrorText(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? FileError)?.description
        }
    }
}

struct TorchSourceTests {
    private func files(_ name: String) -> String {
        GoldenRoot.all[0].folder + "/models/" + name
    }

    private func copy(_ names: [String], from source: String, to folder: String) throws {
        for name in names {
            try FileBytes.writeAtomically(
                try FileBytes.read(source + "/" + name), to: folder + "/" + name)
        }
    }

    private func value(_ source: CheckpointSource, _ name: String, _ shape: Shape) throws
        -> [UInt32]?
    {
        try source.value(name: name, shape: shape, initializer: .zeros)?.bits
    }

    @Test func pickleIsReadWhereThereIsNoSafetensorsFile() throws {
        try withFolder { folder in
            try copy(["pytorch_model.bin"], from: files("bert-tiny"), to: folder)
            let mine = try CheckpointSource(folder: folder, rules: [.dropPrefix("bert.")])
            let other = try SafetensorsFile(path: files("bert-tiny") + "/model.safetensors")
            for entry in other.entries where ElementType(rawValue: entry.type) != nil {
                #expect(try value(mine, entry.name, entry.shape) == other.tensor(entry).bits)
            }
            #expect(mine.report.unused.isEmpty)
            // A shape that config.json does not ask for.
            let first = try #require(other.entries.first)
            #expect(throws: FileError.self) { try value(mine, first.name, [1, 2, 3]) }
            // A safetensors file comes first, even a broken one.
            try FileBytes.writeAtomically([0], to: folder + "/model.safetensors")
            let error = #expect(throws: FileError.self) {
                try CheckpointSource(folder: folder, rules: [])
            }
            #expect(error?.path == folder + "/model.safetensors")
        }
    }

    @Test func shardedPickles() throws {
        let source = files("bert-sharded")
        let shards = try FileBytes.names(in: source).filter { $0.hasPrefix("pytorch_model") }
        try withFolder { folder in
            try copy(shards, from: source, to: folder)
            let mine = try CheckpointSource(folder: folder, rules: [])
            let other = try CheckpointSource(folder: source, rules: [])
            var count = 0
            for name in try FileBytes.names(in: source) where name.hasSuffix(".safetensors") {
                for entry in try SafetensorsFile(path: source + "/" + name).entries {
                    #expect(
                        try value(mine, entry.name, entry.shape)
                            == value(other, entry.name, entry.shape))
                    count += 1
                }
            }
            #expect(count > 10 && mine.report == other.report)
            // A shard that is gone, and shards whose index is gone.
            let shard = try #require(shards.first { $0.contains("-of-") })
            try FileBytes.remove(folder + "/" + shard)
            let missing = #expect(throws: FileError.self) {
                try CheckpointSource(folder: folder, rules: [])
            }
            #expect(missing?.path == folder + "/" + shard)
            try FileBytes.remove(folder + "/pytorch_model.bin.index.json")
            let lost = #expect(throws: FileError.self) {
                try CheckpointSource(folder: folder, rules: [])
            }
            #expect(lost?.remedy.contains(".index.json") == true)
        }
    }
}
