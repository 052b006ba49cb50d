import Files
import Parquet
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The inputs that the fuzzer kept: all the ways through the reader that it found.
@Suite struct CorpusTests {
    @Test func keptInputsAreReadOrRefused() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzzing/Corpus/ParquetFuzz").path
        let names = try FileBytes.names(in: folder)
        #expect(names.count > 50)
        var (read, refused) = (0, 0)
        for name in names {
            let file = ByteSource(path: folder + "/" + name)
            let bytes = try file.bytes()
            do throws(FileError) {
                if ParquetReader.isParquet(start: bytes) {
                    try fuzzParquet(bytes)
                } else {
                    try fuzzParquetPages(bytes)
                }
                read += 1
            } catch {
                #expect(error.path == "memory" && !error.description.utf8.contains(0x0A), "\(name)")
                refused += 1
            }
        }
        #expect(read > 5 && refused > 5, "\(read) read, \(refused) refused")
    }
}

/// A file whose bytes are taken as they are, even where they look like gzip.
private struct ByteSource {
    let path: String

    func bytes() throws(FileError) -> [UInt8] {
        let stream = try ByteStream(path: path, decompresses: false)
        var bytes: [UInt8] = []
        while true {
            let piece = try stream.next()
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }
}
