internal import Files

/// What a SentencePiece `.model` file says that a tokenizer needs.
///
/// The file is a protocol buffer (`sentencepiece_model.proto`). Its few fields that matter are read here by hand,
/// every length checked: that is less than one page, where a generated reader for the whole format and its library
/// would be the larger part of this module.
struct SentencePieceModel {
    /// What a piece is.
    enum Kind: Int { case normal = 1, unknown, control, userDefined, unused, byte }

    var pieces: [(text: String, score: Float, kind: Kind)] = []
    /// 1 is Unigram.
    var modelType = 1
    var byteFallback = false
    var treatsSpaceAsSuffix = false
    var unknownID = 0
    var map: [UInt8] = []
    var addsDummyPrefix = true
    var removesExtraSpaces = true
    var escapesSpaces = true

    /// Reads `bytes`, the content of the file at `path`; throws where it is damaged, or of a kind that no tokenizer of
    /// ours can follow.
    init(_ bytes: [UInt8], path: String) throws(FileError) {
        let reader = ProtocolBuffer(bytes: bytes, path: path)
        for field in try reader.fields(0..<reader.bytes.count, "the model") {
            switch (field.number, field.value) {
            case (1, .bytes(let range)):
                guard pieces.count < Vocabulary.maximumSize else {
                    throw reader.error("more than \(Vocabulary.maximumSize) pieces")
                }
                try readPiece(reader, range)
            case (2, .bytes(let range)): try readTrainer(reader, range)
            case (3, .bytes(let range)): try readNormalizer(reader, range)
            default: break
            }
        }
        guard !pieces.isEmpty else { throw reader.error("no pieces") }
        guard pieces.indices.contains(unknownID) else {
            throw reader.error(
                "trainer_spec.unk_id: expected an id below \(pieces.count), found \(unknownID)")
        }
        guard modelType == 1 else {
            throw reader.error(
                "trainer_spec.model_type: \(modelType) is not supported",
                remedy: "supported is 1 (Unigram), or any model as tokenizer.json")
        }
        for (name, isStandard) in [
            ("trainer_spec.treat_whitespace_as_suffix: true", !treatsSpaceAsSuffix),
            ("normalizer_spec.add_dummy_prefix: false", addsDummyPrefix),
            ("normalizer_spec.remove_extra_whitespaces: false", removesExtraSpaces),
            ("normalizer_spec.escape_whitespaces: false", escapesSpaces),
        ] where !isStandard {
            throw reader.error(
                "\(name) is not supported", remedy: "convert the tokenizer to tokenizer.json")
        }
    }

    private mutating func readPiece(
        _ reader: ProtocolBuffer, _ range: Range<Int>
    ) throws(FileError) {
        let place = "pieces[\(pieces.count)]"
        var (text, score, kind) = ("", Float(0), Kind.normal)
        for field in try reader.fields(range, place) {
            switch (field.number, field.value) {
            case (1, .bytes(let range)):
                guard let valid = String(validating: reader.bytes[range], as: UTF8.self) else {
                    throw reader.error("\(place).piece: not valid UTF-8")
                }
                text = valid
            case (2, .fixed32(let bits)):
                score = Float(bitPattern: bits)
                guard score.isFinite else { throw reader.error("\(place).score: not finite") }
            case (3, .varint(let value)):
                guard let known = Int(exactly: value).flatMap(Kind.init) else {
                    throw reader.error("\(place).type: \(value) is not known")
                }
                kind = known
            default: break
            }
        }
        pieces.append((text, score, kind))
    }

    private mutating func readTrainer(
        _ reader: ProtocolBuffer, _ range: Range<Int>
    ) throws(FileError) {
        for field in try reader.fields(range, "trainer_spec") {
            guard case .varint(let value) = field.value else { continue }
            switch field.number {
            case 3: modelType = Int(truncatingIfNeeded: value)
            case 24: treatsSpaceAsSuffix = value != 0
            case 35: byteFallback = value != 0
            case 40: unknownID = Int(truncatingIfNeeded: value)
            default: break
            }
        }
    }

    private mutating func readNormalizer(
        _ reader: ProtocolBuffer, _ range: Range<Int>
    ) throws(FileError) {
        for field in try reader.fields(range, "normalizer_spec") {
            switch (field.number, field.value) {
            case (2, .bytes(let range)): map = Array(reader.bytes[range])
            case (3, .varint(let value)): addsDummyPrefix = value != 0
            case (4, .varint(let value)): removesExtraSpaces = value != 0
            case (5, .varint(let value)): escapesSpaces = value != 0
            default: break
            }
        }
    }
}

/// Reads the wire format of protocol buffers.
private struct ProtocolBuffer {
    enum Value {
        case varint(UInt64)
        case fixed32(UInt32)
        case fixed64
        case bytes(Range<Int>)
    }

    let bytes: [UInt8]
    let path: String

    func error(_ problem: String, remedy: String = "") -> FileError {
        FileError(
            path: path, problem: problem,
            remedy: remedy.isEmpty ? "the file may be damaged; fetch it again" : remedy)
    }

    /// The fields of the message in `range`, which `name` describes.
    func fields(
        _ range: Range<Int>, _ name: String
    ) throws(FileError) -> [(number: Int, value: Value)] {
        var fields: [(number: Int, value: Value)] = []
        var index = range.lowerBound
        func cut() -> FileError { error("\(name): not a SentencePiece model, or cut short") }
        func varint() throws(FileError) -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard index < range.upperBound else { throw cut() }
                let byte = bytes[index]
                index += 1
                if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
                if byte & 0x80 == 0 { return value }
            }
            throw cut()
        }
        while index < range.upperBound {
            let tag = try varint()
            let number = Int(truncatingIfNeeded: tag >> 3)
            switch tag & 7 {
            case 0: fields.append((number, .varint(try varint())))
            case 1:
                guard range.upperBound - index >= 8 else { throw cut() }
                index += 8
                fields.append((number, .fixed64))
            case 2:
                let count = try varint()
                guard count <= UInt64(range.upperBound - index) else { throw cut() }
                fields.append((number, .bytes(index..<index + Int(count))))
                index += Int(count)
            case 5:
                guard range.upperBound - index >= 4 else { throw cut() }
                let bits = (0..<4).reduce(UInt32(0)) {
                    $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1)
                }
                index += 4
                fields.append((number, .fixed32(bits)))
            default: throw cut()
            }
        }
        return fields
    }
}
