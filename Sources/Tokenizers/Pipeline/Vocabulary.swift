/// Tokens and their ids; tokens are compared byte by byte.
///
/// All tokens stand one after the other in one array of bytes, found by an open-addressing hash table, so that a
/// word is looked up without making a `String`.
struct Vocabulary: Sendable {
    /// Ids are below this; a limit keeps a damaged file from asking for all memory.
    static let maximumSize = 1 << 22

    private var bytes: [UInt8] = []
    /// By id, where the token's bytes are; start -1 where no token has the id.
    private var places: [(start: Int, count: Int)] = []
    /// The upper half of the hash, then the id + 1; 0 for a free slot.
    private var slots: [UInt64] = []
    private var mask = 0
    /// How many tokens there are.
    private(set) var count = 0
    /// The bytes of the longest token.
    private(set) var longest = 0

    /// Why a list of tokens is no vocabulary.
    enum Problem: Error, Equatable {
        case duplicateToken(String, Int, Int)
        case duplicateID(Int, String, String)
        case badID(Int, String)
    }

    /// An empty vocabulary with room for `capacity` tokens.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [UInt64](repeating: 0, count: size)
        mask = size - 1
        bytes.reserveCapacity(capacity * 8)
        places.reserveCapacity(capacity)
    }

    /// One more than the highest id.
    var end: Int { places.count }

    /// Adds a token; throws where the token or the id is taken, or the id out of range.
    mutating func add(_ token: String, id: Int) throws(Problem) {
        guard (0..<Self.maximumSize).contains(id) else { throw .badID(id, token) }
        if id < places.count, let old = self.token(id) { throw .duplicateID(id, old, token) }
        let start = bytes.count
        bytes.append(contentsOf: token.utf8)
        if let old = self.id(of: bytes, start..<bytes.count) {
            bytes.removeLast(bytes.count - start)
            throw .duplicateToken(token, Int(old), id)
        }
        enter(start, id: id)
    }

    /// Adds a token whose id is free; where the token is there already, it is found under the new id from now on.
    mutating func insert(_ token: String, id: Int) { insert(token.utf8, id: id) }

    /// The same for a token that need not be valid UTF-8.
    mutating func insert(_ token: some Sequence<UInt8>, id: Int) {
        let start = bytes.count
        bytes.append(contentsOf: token)
        enter(start, id: id)
    }

    /// Makes the bytes from `start` on the token of the free id `id`.
    private mutating func enter(_ start: Int, id: Int) {
        while places.count <= id { places.append((-1, 0)) }
        places[id] = (start, bytes.count - start)
        count += 1
        longest = max(longest, bytes.count - start)
        if count * 2 > slots.count { grow() }
        place(id)
    }

    private mutating func place(_ id: Int) {
        let (start, length) = places[id]
        var hash = Hash()
        for index in start..<start + length { hash.add(bytes[index]) }
        let value = hash.value
        var slot = Int(truncatingIfNeeded: value) & mask
        while slots[slot] != 0 {
            let other = Int(UInt32(truncatingIfNeeded: slots[slot])) - 1
            let place = places[other]
            if place.count == length,
                (0..<length).allSatisfy({ bytes[place.start + $0] == bytes[start + $0] })
            {
                break
            }
            slot = (slot + 1) & mask
        }
        slots[slot] = value & 0xFFFF_FFFF_0000_0000 | UInt64(id + 1)
    }

    private mutating func grow() {
        let old = slots.lazy.filter { $0 != 0 }.map { Int(UInt32(truncatingIfNeeded: $0)) - 1 }
        let ids = Array(old)
        slots = [UInt64](repeating: 0, count: slots.count * 2)
        mask = slots.count - 1
        for id in ids { place(id) }
    }

    /// The hash of a token, byte after byte (FNV-1a, its bits mixed at the end).
    struct Hash {
        private var state: UInt64 = 0xCBF2_9CE4_8422_2325

        @inline(__always)
        mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }

        @inline(__always)
        var value: UInt64 {
            let mixed = (state ^ state >> 29) &* 0x9E37_79B9_7F4A_7C15
            return mixed ^ mixed >> 32
        }
    }

    /// The id of the token that is `prefix` followed by `text[range]`, whose hash is `hash`.
    @inline(__always)
    func id(prefix: [UInt8], _ text: [UInt8], _ range: Range<Int>, hash: UInt64) -> Int32? {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = slots[slot]
            if entry == 0 { return nil }
            if entry >> 32 == hash >> 32 {
                let id = Int(UInt32(truncatingIfNeeded: entry)) - 1
                if matches(id, prefix, text, range) { return Int32(truncatingIfNeeded: id) }
            }
            slot = (slot + 1) & mask
        }
    }

    @inline(__always)
    private func matches(
        _ id: Int, _ prefix: [UInt8], _ text: [UInt8], _ range: Range<Int>
    ) -> Bool {
        let place = places[id]
        guard place.count == prefix.count + range.count else { return false }
        var position = place.start
        for byte in prefix {
            if bytes[position] != byte { return false }
            position += 1
        }
        for index in range {
            if bytes[position] != text[index] { return false }
            position += 1
        }
        return true
    }

    /// The id of `token`.
    func id(of token: String) -> Int? {
        let text = Array(token.utf8)
        return id(of: text, 0..<text.count).map(Int.init)
    }

    /// The id of the token that is `text[range]`.
    @inline(__always)
    func id(of text: [UInt8], _ range: Range<Int>) -> Int32? {
        if range.count > longest { return nil }
        var hash = Hash()
        for index in range { hash.add(text[index]) }
        return id(prefix: [], text, range, hash: hash.value)
    }

    /// The token whose id is `id`.
    func token(_ id: Int) -> String? {
        guard places.indices.contains(id), places[id].start >= 0 else { return nil }
        let (start, count) = places[id]
        return String(decoding: bytes[start..<start + count], as: UTF8.self)
    }
}
