internal import Files

/// How much longer a text may become by steps that put text in.
///
/// Each step is harmless by itself, but a list of replacements multiplies: ten that make sixteen letters of one would
/// make a terabyte of one letter.
enum TextGrowth {
    /// The bytes of the text that is looked at, and the most that may become of it.
    static let (start, limit) = (1024.0, Double(4 << 20))

    /// Throws where the text of ``start`` bytes would become longer than ``limit`` by `longest`.
    static func check(
        _ longest: ((Double) -> Double)?, file: String, place: String
    ) throws(FileError) {
        guard let bytes = longest?(start), bytes > limit else { return }
        throw FileError(
            path: file,
            problem: "\(place): the steps may make \(bytes) bytes of a text of "
                + "\(Int(start)), expected at most \(Int(limit))",
            remedy: "no known tokenizer needs such steps; check where the file comes from")
    }
}

extension Normalizer {
    /// How many bytes a text of `count` bytes may have after this step, at most.
    func longest(of count: Double) -> Double {
        switch self {
        case .stripAccents, .strip: count
        // The most that a character becomes: U+FDFA is eighteen letters, U+0390 three characters, U+0130 two.
        case .nfkd, .nfkc: 11 * count
        case .nfd, .nfc, .bert: 3 * count
        case .lowercase: 1.5 * count
        case .precompiled(let map): Double(max(1, map.longest)) * count
        case .replace(let replacement): replacement.growth * count
        case .prepend(let prefix): count + Double(prefix.count)
        case .sequence(let steps): steps.reduce(count) { $1.longest(of: $0) }
        }
    }
}

extension Decoder {
    /// The same for what becomes of tokens of together `count` bytes.
    func longest(of count: Double) -> Double {
        switch self {
        case .metaspace, .bytePair, .byteFallback, .fuse, .strip: count
        // At worst each token is one byte, and a space is put before it.
        case .wordPiece: 2 * count
        // A byte that is no text becomes a sign of three bytes.
        case .byteLevel: 3 * count
        case .replace(let replacement): replacement.growth * count
        case .sequence(let steps): steps.reduce(count) { $1.longest(of: $0) }
        }
    }
}

extension Replacement {
    /// How many times longer a text may become, 1 at least.
    fileprivate var growth: Double {
        let shortest =
            switch pattern {
            case .text(let bytes): bytes.count
            case .run(_, let minimum): minimum
            }
        return max(1, Double(content.count) / Double(shortest))
    }
}
