import Files

/// The 64-bit FNV-1a hash of records or bytes.
struct FNV1a {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash so far as 16 hexadecimal digits.
    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    mutating func add(byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in for index in bytes.indices { add(byte: unsafe bytes[index]) } }
        add(byte: 0xFF)
    }

    mutating func add(_ bits: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            add(byte: UInt8(truncatingIfNeeded: bits >> shift))
        }
    }

    /// Adds the texts of `record`, then its label.
    mutating func add(_ record: Record) {
        switch record {
        case .pair(let record):
            add(record.text)
            add(record.textPos)
        case .triplet(let record):
            add(record.text)
            add(record.textPos)
            add(record.textNeg)
        case .scoredPair(let record):
            add(record.sentence1)
            add(record.sentence2)
            add(record.label.bitPattern)
        }
    }
}

extension Dataset {
    /// A 64-bit number that changes when any record, their order or their kind changes: FNV-1a.
    ///
    /// Hashed are the name of the kind, then for each record each text as UTF-8 and the label as
    /// the eight bytes of its IEEE 754 pattern, lowest first; a byte 0xFF, which UTF-8 never holds,
    /// ends the name and each text. It says whether two runs saw the same data; it does not protect
    /// against forgery. Computed anew at each call, in time proportional to the bytes.
    public var fingerprint: UInt64 { hash.value }

    /// ``fingerprint`` as 16 hexadecimal digits.
    public var fingerprintText: String { hash.text }

    private var hash: FNV1a {
        var hash = FNV1a()
        hash.add(kind.rawValue)
        for index in 0..<count { hash.add(records[index]) }
        return hash
    }
}
