package import Files
internal import Tensors

// Ways in for fuzzing and for tests with random files: bytes in memory instead of a file.

/// Opens `bytes` as ``TorchFile`` and reads all tensors, as far as they have together at most 2^22 elements.
///
/// Returns the number of tensors read; throws what is wrong with the file.
@discardableResult
package func fuzzTorchFile(_ bytes: [UInt8]) throws(FileError) -> Int {
    let file = try TorchFile(WeightBytes(bytes, path: "memory"))
    var (read, left) = (0, 1 << 22)
    for entry in file.entries where ElementType(rawValue: entry.type) != nil {
        // A deflated storage is unpacked whole for each of its tensors.
        let cost = max(entry.shape.count, entry.place.byteCount)
        guard cost <= left else { continue }
        left -= cost
        _ = try file.tensor(entry)
        read += 1
    }
    return read
}

/// Opens `bytes` as ``SafetensorsFile`` and reads all tensors, as far as they have together at most 2^22 elements.
///
/// Returns the number of tensors read; throws what is wrong with the file.
@discardableResult
package func fuzzSafetensors(_ bytes: [UInt8]) throws(FileError) -> Int {
    let file = try SafetensorsFile(WeightBytes(bytes, path: "memory"))
    var (read, left) = (0, 1 << 22)
    for entry in file.entries where ElementType(rawValue: entry.type) != nil {
        guard entry.shape.count <= left else { continue }
        left -= entry.shape.count
        let tensor = try file.tensor(entry)
        precondition(tensor.shape == entry.shape, "\(tensor.shape) of \(entry.shape) read")
        read += 1
    }
    return read
}

/// Reads `bytes` as the index of a checkpoint in several files.
///
/// Returns the number of files; throws what is wrong with the index.
@discardableResult
package func fuzzShardIndex(_ bytes: [UInt8]) throws(FileError) -> Int {
    let json: JSON
    do throws(JSONSyntaxError) {
        json = try JSON(parsing: bytes)
    } catch {
        throw FileError(path: "memory", line: error.line, problem: error.problem)
    }
    let names = try CheckpointSource.shardNames(in: json, index: "memory")
    precondition(names.allSatisfy { !$0.utf8.contains(UInt8(ascii: "/")) }, "\(names)")
    return names.count
}
