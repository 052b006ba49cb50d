internal import Files

/// Writes one event file: records of TensorFlow's TFRecord format, held back until ``write()``.
struct EventWriter {
    /// The file.
    let path: String
    /// Records that are held back.
    private(set) var pending = 0
    private let file: FileWriter
    private var buffer: [UInt8] = []

    /// Makes the next event file in `folder`, which is made too.
    ///
    /// TensorBoard reads the files of a folder in the order of their names, which begin with the time; where the clock
    /// went back, or did not advance, the new file is given the second after its predecessor's.
    init(
        folder: String, now: Double, origin: TensorBoardTracker.Origin
    ) throws(FileError) {
        try FileBytes.makeFolder(folder)
        let earlier = try FileBytes.names(in: folder).filter { $0.hasPrefix(EventWriter.prefix) }
        let latest = earlier.compactMap(EventWriter.seconds).max() ?? -1
        // Ten digits sort as numbers until the year 2286.
        let limit = 9_999_999_999
        let seconds = now >= 0 && now < Double(limit) ? Int(now) : 0
        guard latest < limit else {
            throw FileError(
                path: folder,
                problem: "holds an event file of the last second that its name can tell",
                remedy: "move the file \(EventWriter.prefix)\(latest)... away")
        }
        let digits = String(max(seconds, latest + 1))
        let time = String(repeating: "0", count: 10 - digits.utf8.count) + digits
        let host = String(
            String.UnicodeScalarView(
                origin.host.unicodeScalars.map { $0 == "/" || $0.value < 0x21 ? "-" : $0 }))
        let name =
            "\(EventWriter.prefix)\(time).\(host.isEmpty ? "localhost" : host).\(origin.pid).\(earlier.count)"
        path = (folder.utf8.last == UInt8(ascii: "/") ? folder : folder + "/") + name
        file = try FileWriter(path: path)
    }

    private static let prefix = "events.out.tfevents."

    /// The time in a file name; `nil` where it has not ten digits.
    private static func seconds(in name: String) -> Int? {
        let digits = name.utf8.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: ".") }
        guard digits.count == 10, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Adds a record.
    mutating func append(_ record: [UInt8]) {
        var length: [UInt8] = []
        length.appendLittleEndian(UInt64(record.count))
        buffer += length
        buffer.appendLittleEndian(CRC32C.masked(length))
        buffer += record
        buffer.appendLittleEndian(CRC32C.masked(record))
        pending += 1
    }

    /// Brings all records to the file.
    mutating func write() throws(FileError) {
        if buffer.isEmpty { return }
        // Given up even where writing fails: after half a record nothing can follow.
        defer {
            buffer.removeAll(keepingCapacity: true)
            pending = 0
        }
        try file.write(buffer)
    }

    /// Brings all records to the file, and the file to the disk.
    mutating func close() throws(FileError) {
        try write()
        try file.close()
    }
}
