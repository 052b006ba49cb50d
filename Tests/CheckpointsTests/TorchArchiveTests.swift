import Files
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

private typealias P = PickleWriter

/// Archives that lie.
struct TorchArchiveTests {
    private let honest = ZipWriter(pickle: P.member(P.tensor([4], [1])))

    private func changed(_ change: (inout ZipWriter) -> Void) -> [UInt8] {
        var writer = honest
        change(&writer)
        return writer.file
    }

    @Test func honestArchives() throws {
        #expect(try fuzzTorchFile(honest.file) == 1)
        #expect(try fuzzTorchFile(changed { $0.comment = [1, 2, 3] }) == 1)
        // Sizes and table in zip64.
        let table = honest.entries.reduce(0) { $0 + 30 + $1.name.utf8.count + $1.bytes.count }
        let wide = changed {
            let size = $0.entries[1].bytes.count
            $0.entries[1].size = 0xFFFF_FFFF
            $0.entries[1].packed = 0xFFFF_FFFF
            $0.entries[1].extra =
                littleEndian(9, 2) + littleEndian(1, 2) + [0] + littleEndian(1, 2)
                + littleEndian(16, 2) + littleEndian(size, 8) + littleEndian(size, 8)
            $0.wide = (2, 2 * 46 + 10 + 8 + 25, table)
            $0.announced = 0xFFFF
            $0.tableOffset = 0xFFFF_FFFF
        }
        #expect(try fuzzTorchFile(wide) == 1)
        // A folder's own entry is nothing.
        #expect(
            try fuzzTorchFile(changed { $0.entries.append(.init(name: "m/data/", bytes: [])) }) == 1
        )
        #expect(
            try fuzzTorchFile(
                changed {
                    $0.entries.append(.init(name: "m/byteorder", bytes: Array("little".utf8)))
                }) == 1)
    }

    @Test func lies() {
        func refused(_ what: String, _ change: (inout ZipWriter) -> Void) {
            #expect(refusal(file: changed(change)) != nil, "\(what)")
        }
        refused("one entry more") { $0.announced = 3 }
        refused("65,535 entries") { $0.announced = 0xFFFF }
        refused("table outside") { $0.tableOffset = 1 << 30 }
        refused("table too long") { $0.tableSize = 1 << 30 }
        refused("several parts") { $0.disk = 1 }
        refused("size beyond the file") { $0.entries[1].size = 1 << 30 }
        refused("both sizes beyond the file") {
            ($0.entries[1].size, $0.entries[1].packed) = (1 << 30, 1 << 30)
        }
        refused("two sizes") { $0.entries[1].packed = 8 }
        refused("offset beyond the file") { $0.entries[1].offset = 1 << 30 }
        refused("offset into the middle") { $0.entries[1].offset = 5 }
        refused("overlap") { $0.entries[1].offset = 0 }
        refused("same bytes twice") {
            $0.entries[1].name = $0.entries[0].name + "x"
            $0.entries[1].offset = 0
        }
        refused("other name inside") { $0.entries[1].localName = "m/data/9" }
        refused("a name twice") { $0.entries.append($0.entries[1]) }
        refused("a name with NUL") { $0.entries[1].name = "m/data\0" }
        refused("an empty name") { $0.entries[1].name = "" }
        refused("encrypted") { $0.entries[1].flags = 1 }
        refused("method 12") { $0.entries[1].method = 12 }
        refused("zip64 size without a field") { $0.entries[1].size = 0xFFFF_FFFF }
        for value in [Int.max, -1, .min, 1 << 62] {
            refused("zip64 size \(value)") {
                ($0.entries[1].size, $0.entries[1].packed) = (0xFFFF_FFFF, 0xFFFF_FFFF)
                $0.entries[1].extra =
                    littleEndian(1, 2) + littleEndian(16, 2) + littleEndian(value, 8)
                    + littleEndian(value, 8)
            }
            refused("zip64 offset \(value)") {
                $0.entries[1].offset = 0xFFFF_FFFF
                $0.entries[1].extra =
                    littleEndian(1, 2) + littleEndian(8, 2) + littleEndian(value, 8)
            }
            refused("zip64 entries \(value)") { $0.wide = (value, 100, 0) }
            refused("zip64 table size \(value)") { $0.wide = (2, value, 0) }
            refused("zip64 table offset \(value)") { $0.wide = (2, 100, value) }
            refused("zip64 locator \(value)") {
                $0.wide = (2, 100, 0)
                $0.wideLocator = value
            }
        }
        refused("2^32 entries") { $0.wide = (1 << 32, 110, 0) }
        refused("field cut short") {
            $0.entries[1].extra = [1]; $0.entries[1].size = 0xFFFF_FFFF
        }
        refused("field longer than its room") {
            $0.entries[1].size = 0xFFFF_FFFF
            $0.entries[1].extra = littleEndian(1, 2) + littleEndian(60_000, 2)
        }
        refused("two pickles") { $0.entries.append(.init(name: "n/data.pkl", bytes: [0x2E])) }
        refused("no pickle") { $0.entries.remove(at: 0) }
        refused("big") { $0.entries.append(.init(name: "m/byteorder", bytes: Array("big".utf8))) }
    }

    /// Deflated data of one block that holds `bytes` as they are.
    private func deflate(_ bytes: [UInt8]) -> [UInt8] {
        [1] + littleEndian(bytes.count, 2) + littleEndian(~bytes.count, 2) + bytes
    }

    private func checksum(_ bytes: [UInt8]) -> Int {
        let rest = bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
            }
        }
        return Int(~rest)
    }

    @Test func deflatedEntries() throws {
        let numbers = honest.entries[1].bytes
        func file(_ change: (inout ZipWriter.Entry) -> Void) -> [UInt8] {
            changed {
                $0.entries[1].method = 8
                $0.entries[1].size = numbers.count
                $0.entries[1].bytes = deflate(numbers)
                $0.entries[1].checksum = checksum(numbers)
                change(&$0.entries[1])
            }
        }
        #expect(try fuzzTorchFile(file { _ in }) == 1)
        #expect(refusal(file: file { $0.checksum ^= 1 }) != nil)
        #expect(refusal(file: file { $0.bytes = numbers }) != nil)
        #expect(refusal(file: file { $0.bytes = [] }) != nil)
        #expect(refusal(file: file { $0.bytes.removeLast() }) != nil)
        #expect(refusal(file: file { $0.bytes.append(0) }) != nil)
        // More than the table says, and less.
        #expect(refusal(file: file { $0.bytes = deflate(numbers + numbers) }) != nil)
        #expect(refusal(file: file { $0.bytes = deflate([1, 2]) }) != nil)
        // A small entry that says it is large; one alone, and many together.
        #expect(refusal(file: file { $0.size = 0xFFFF_FFF0 })?.contains("unpack") == true)
        let many = changed {
            for index in 0..<100 {
                $0.entries.append(
                    .init(name: "m/data/\(index + 1)", bytes: [3, 0], method: 8, size: 1 << 18))
            }
        }
        #expect(refusal(file: many)?.contains("unpack") == true)
    }

    static let forms = ["views.bin", "legacy.bin", "deflated.bin", "tar.bin", "protocol5.bin"]

    /// A file cut at any place is refused, never a trap. (The padding at the end of a tar archive means nothing.)
    @Test(arguments: forms)
    func cutShort(_ name: String) throws {
        let bytes = try FileBytes.read(torchFixture(name))
        let end =
            name == "tar.bin"
            ? bytes.count - bytes.reversed().prefix { $0 == 0 }.count : bytes.count
        for part in 0..<64 {
            for count in [end * part / 64, end * part / 64 + 1] {
                #expect(refusal(file: Array(bytes[..<count])) != nil, "\(count) of \(bytes.count)")
            }
        }
        #expect(refusal(file: Array(bytes[..<(end - 1)])) != nil)
    }

    /// A size with a sign is none: the checksum of the header is right.
    @Test(arguments: ["-0000000777 ", "+0000000777 ", "00000000778 ", "99999999999 "])
    func tarSizes(_ size: String) throws {
        var bytes = try FileBytes.read(torchFixture("tar.bin"))
        bytes.replaceSubrange(124..<136, with: size.utf8)
        let sum = (0..<512).reduce(0) { $0 + ((148..<156).contains($1) ? 0x20 : Int(bytes[$1])) }
        let digits = String(sum, radix: 8)
        bytes.replaceSubrange(148..<148 + digits.utf8.count, with: digits.utf8)
        bytes[148 + digits.utf8.count] = 0
        let text = refusal(file: bytes)
        #expect(text?.contains("damaged tar archive at byte 0") == true, "\(text ?? "")")
    }

    /// Random changes: any answer but a trap, a hang or much memory.
    @Test(arguments: forms)
    func randomChanges(_ name: String) throws {
        let bytes = try FileBytes.read(torchFixture(name))
        var random = TestRandom(UInt64(name.utf8.count))
        let edges: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x28, 0x2E, 0x52, 0x51, 0x8B, 0x95]
        var (read, refused) = (0, 0)
        for _ in 0..<4000 {
            var copy = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: copy.indices, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: copy[at] = UInt8.random(in: 0 ... .max, using: &random)
                case 1: copy[at] = edges.randomElement(using: &random) ?? 0
                case 2: copy[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 3: copy.removeSubrange(at..<min(copy.count, at + 3))
                default: copy.insert(edges.randomElement(using: &random) ?? 0, at: at)
                }
            }
            do throws(FileError) {
                try fuzzTorchFile(copy)
                read += 1
            } catch {
                refused += 1
                #expect(!error.description.utf8.contains(0x0A))
            }
        }
        #expect(read + refused == 4000 && refused > 0)
    }
}
