import Checkpoints
import Files
import TestSupport
import Testing

@Suite struct ManifestTests {
    private func withCheckpoint(_ body: (String) throws -> Void) throws {
        try withFolder { folder in
            try FileBytes.writeAtomically(
                [UInt8](repeating: 7, count: 5000), to: folder + "/weights")
            try FileBytes.writeAtomically("", to: folder + "/empty")
            try FileBytes.makeFolder(folder + "/inner")
            try FileBytes.writeAtomically("x", to: folder + "/inner/é")
            try Manifest.write(for: folder, about: [("step", 12)])
            try Manifest.verify(folder)
            try body(folder)
        }
    }

    /// FIPS 180-4 and NIST's examples.
    @Test func knownDigests() throws {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        #expect(Manifest.sha256(of: []) == empty)
        #expect(Manifest.sha256(of: Array("abc".utf8)) == abc)
        let as1 = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(Manifest.sha256(of: as1) == million)
        try withFolder { folder in
            // Files are hashed in pieces of a mebibyte.
            for (bytes, digest) in [([], empty), (Array("abc".utf8), abc), (as1, million)] {
                try FileBytes.writeAtomically(bytes, to: folder + "/file")
                #expect(try Manifest.sha256(folder + "/file") == digest)
            }
            let long = as1 + as1 + [1]
            try FileBytes.writeAtomically(long, to: folder + "/file")
            #expect(try Manifest.sha256(folder + "/file") == Manifest.sha256(of: long))
        }
    }

    @Test func content() throws {
        try withCheckpoint { folder in
            let json = try JSON(contentsOf: folder + "/manifest.json")
            #expect(json["version"]?.int == 1 && json["step"]?.int == 12)
            #expect(json["files"]?.members?.map(\.key) == ["empty", "inner/é", "weights"])
            #expect(json["files"]?["weights"]?["size"]?.int == 5000)
            // Written again, it does not list itself.
            try Manifest.write(for: folder, about: [("step", 12)])
            #expect(
                try JSON(contentsOf: folder + "/manifest.json").text() == json.text())
        }
    }

    @Test func everyByteCounts() throws {
        try withCheckpoint { folder in
            let path = folder + "/weights"
            let bytes = try FileBytes.read(path)
            for place in [0, 4999] {
                var changed = bytes
                changed[place] ^= 1
                try FileBytes.writeAtomically(changed, to: path)
                let error = try #require(fileError { try Manifest.verify(folder) })
                #expect(error.path == path && error.problem.contains("SHA-256"), "\(error)")
            }
            for torn in [Array(bytes.dropLast()), bytes + [7], []] {
                try FileBytes.writeAtomically(torn, to: path)
                let error = try #require(fileError { try Manifest.verify(folder) })
                #expect(error.path == path && error.problem.contains("5000"), "\(error)")
            }
            try FileBytes.writeAtomically(bytes, to: path)
            try Manifest.verify(folder)
            try FileBytes.writeAtomically("y", to: folder + "/inner/é")
            #expect(
                try #require(fileError { try Manifest.verify(folder) }).path == folder + "/inner/é")
        }
    }

    /// Hashes may come later: until then sizes are checked, and then it is the manifest that has them at once.
    @Test func sealing() throws {
        try withCheckpoint { folder in
            let whole = try FileBytes.read(folder + "/manifest.json")
            try Manifest.write(for: folder, about: [("step", 12)], hashes: false)
            let json = try JSON(contentsOf: folder + "/manifest.json")
            #expect(json["files"]?["weights"]?.text() == #"{"size": 5000}"#)
            try Manifest.verify(folder)
            let path = folder + "/weights"
            let bytes = try FileBytes.read(path)
            try FileBytes.writeAtomically(bytes + [7], to: path)
            for check in [Manifest.verify, Manifest.seal] {
                let error = try #require(fileError { try check(folder) })
                #expect(error.path == path && error.problem.contains("5000"), "\(error)")
            }
            try FileBytes.writeAtomically(bytes, to: path)
            for _ in 0..<2 {
                try Manifest.seal(folder)
                #expect(try FileBytes.read(folder + "/manifest.json") == whole)
            }
        }
    }

    @Test func missingFilesAndManifests() throws {
        try withCheckpoint { folder in
            try FileBytes.remove(folder + "/empty")
            #expect(
                try #require(fileError { try Manifest.verify(folder) }).path == folder + "/empty")
            let manifest = folder + "/manifest.json"
            let text = try FileBytes.readText(manifest)
            let bad = [
                "", String(text.dropLast(20)), "[]", "{}", "{\"files\": []}",
                "{\"files\": {\"weights\": 3}}", "{\"files\": {\"weights\": {\"size\": 5000}}}",
                "{\"files\": {\"weights\": {\"size\": \"5000\"}}}",
            ]
            for text in bad {
                try FileBytes.writeAtomically(text, to: manifest)
                let error = try #require(fileError(text) { try Manifest.verify(folder) })
                #expect(error.path.hasPrefix(folder))
            }
            try FileBytes.remove(manifest)
            #expect(try #require(fileError { try Manifest.verify(folder) }).path == manifest)
        }
    }
}
