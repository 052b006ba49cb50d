internal import Files

extension Unigram {
    /// Reads the `model` of `tokenizer.json`.
    init(_ object: inout ObjectReader) throws(FileError) {
        _ = object.optional("type")
        let byteFallback = try object.bool("byte_fallback", default: false)
        for key in ["alpha", "nbest_size"] where object.optional(key) != nil {
            throw object.error(key, "sampling is not supported", remedy: "set it to null")
        }
        let list = try object.array("vocab")
        guard !list.isEmpty, list.count <= Vocabulary.maximumSize else {
            throw object.error(
                "vocab", "expected 1 to \(Vocabulary.maximumSize) tokens, found \(list.count)")
        }
        var tokens: [(token: String, score: Double)] = []
        tokens.reserveCapacity(list.count)
        for (index, json) in list.enumerated() {
            guard let pair = json.array, pair.count == 2, let token = pair[0].string,
                case .number(let text) = pair[1], let score = ScoreText.value(text)
            else {
                throw object.error("vocab[\(index)]", "expected a token and its score")
            }
            tokens.append((token, score))
        }
        let unknownID = try object.int("unk_id", in: 0...tokens.count - 1)
        self.init(tokens: tokens, unknownID: Int32(unknownID), byteFallback: byteFallback)
    }
}
