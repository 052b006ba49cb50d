extension Tokenizer {
    /// Encodes one text.
    ///
    /// With `maxLength`, tokens at the end are cut off so that no more remain, special tokens included. Traps where
    /// `maxLength` leaves no room for the special tokens.
    public func encode(
        _ text: String, maxLength: Int? = nil, addSpecialTokens: Bool = true
    ) -> Encoding {
        let template = addSpecialTokens ? postProcessor.single : postProcessor.bareSingle
        let tokens = tokenize(text, isAligned: true)
        let room = room(maxLength, template)
        return assemble(
            template, [Part(tokens, keeping: min(tokens.count, room ?? tokens.count))])
    }

    /// Encodes a pair of texts, as a model that compares two reads them; an empty second text counts as none.
    ///
    /// With `maxLength`, tokens are cut off the end of the longer text first. Traps where `maxLength` leaves no room
    /// for the special tokens.
    public func encode(
        pair first: String, _ second: String, maxLength: Int? = nil, addSpecialTokens: Bool = true
    ) -> Encoding {
        if second.isEmpty {
            return encode(first, maxLength: maxLength, addSpecialTokens: addSpecialTokens)
        }
        let template = addSpecialTokens ? postProcessor.pair : postProcessor.barePair
        let tokens = (tokenize(first, isAligned: true), tokenize(second, isAligned: true))
        var kept = (tokens.0.count, tokens.1.count)
        if let room = room(maxLength, template), kept.0 + kept.1 > room {
            // The shorter text stays whole where it takes no more than half of the room.
            let shorter = min(kept.0, kept.1)
            var lengths = (shorter, max(shorter, room - shorter))
            if lengths.0 + lengths.1 > room { lengths = (room / 2, room - room / 2) }
            kept = kept.0 > kept.1 ? (lengths.1, lengths.0) : lengths
        }
        return assemble(
            template,
            [Part(tokens.0, keeping: kept.0), Part(tokens.1, keeping: kept.1)])
    }

    /// Only the ids that ``encode(_:maxLength:addSpecialTokens:)`` gives, and how many tokens were cut off: the
    /// quick way, which keeps no offsets.
    public func ids(of text: String, maxLength: Int? = nil) -> (ids: [Int32], truncated: Int) {
        let tokens = tokenize(text, isAligned: false)
        let kept = min(tokens.count, room(maxLength, postProcessor.single) ?? tokens.count)
        var ids: [Int32] = []
        ids.reserveCapacity(kept + postProcessor.single.count)
        for piece in postProcessor.single {
            switch piece {
            case .special(let id, _): ids.append(id)
            case .first: ids.append(contentsOf: tokens.ids[..<kept])
            case .second: break
            }
        }
        return (ids, tokens.count - kept)
    }

    private func room(_ maxLength: Int?, _ template: [PostProcessor.Piece]) -> Int? {
        guard let maxLength else { return nil }
        let special = PostProcessor.specialCount(template)
        precondition(
            maxLength >= special,
            "encode: maxLength \(maxLength) leaves no room for \(special) special tokens")
        return maxLength - special
    }

    /// The tokens of `text` without special tokens around.
    func tokenize(_ text: String, isAligned: Bool) -> TokenBuffer {
        var out = TokenBuffer(isAligned: isAligned)
        let isAligned = isAligned || preTokenizer?.needsOrigins == true
        let bytes = Array(text.utf8)
        let splits = added.split(bytes)
        if splits.count == 1, splits[0].id == nil {
            tokenize(NormalizedText(bytes, isAligned: isAligned), into: &out)
            return out
        }
        var firstScalar = 0
        for (range, id) in splits {
            let part = NormalizedText(
                Array(bytes[range]), firstScalar: firstScalar, isAligned: isAligned)
            if let id {
                out.appendSpelled(id, part, 0..<part.bytes.count)
            } else {
                tokenize(part, into: &out)
            }
            if isAligned { firstScalar += bytes.scalarCount(in: range) }
        }
        return out
    }

    /// Appends the tokens of `text`, a stretch between added tokens.
    private func tokenize(_ text: consuming NormalizedText, into out: inout TokenBuffer) {
        normalizer?.apply(to: &text)
        let splits = added.splitNormalized(text.bytes)
        for (range, id) in splits {
            if let id {
                out.appendSpelled(id, text, range)
                continue
            }
            var words = [range]
            if splits.count == 1 {
                preTokenizer?.split(&text, &words)
                model.tokenize(text, words, into: &out)
            } else {
                // A step may rewrite the text that the other ranges belong to.
                var part = copy text
                preTokenizer?.split(&part, &words)
                model.tokenize(part, words, into: &out)
            }
        }
    }

    /// One text's share of an encoding.
    private struct Part {
        let ids: ArraySlice<Int32>
        let offsets: [Range<Int>]
        let truncated: Int
        let spaces: [Int: (leading: Int, trailing: Int)]

        init(_ tokens: TokenBuffer, keeping count: Int) {
            spaces = tokens.spaces
            ids = tokens.ids[..<count]
            offsets = tokens.origins[..<count].map { Int($0.start)..<Int(max($0.start, $0.end)) }
            truncated = tokens.count - count
        }
    }

    private func assemble(_ template: [PostProcessor.Piece], _ parts: [Part]) -> Encoding {
        var result = Encoding(
            ids: [], typeIDs: [], specialTokensMask: [], offsets: [],
            truncatedCount: parts.reduce(0) { $0 + $1.truncated })
        func append(_ part: Part, _ typeID: Int32) {
            result.ids += part.ids
            result.typeIDs += repeatElement(typeID, count: part.ids.count)
            result.specialTokensMask += repeatElement(false, count: part.ids.count)
            result.offsets += postProcessor.trim.map { trimmed(part, $0) } ?? part.offsets
        }
        for piece in template {
            switch piece {
            case .special(let id, let typeID):
                result.ids.append(id)
                result.typeIDs.append(typeID)
                result.specialTokensMask.append(true)
                result.offsets.append(0..<0)
            case .first(let typeID): append(parts[0], typeID)
            case .second(let typeID): if parts.count > 1 { append(parts[1], typeID) }
            }
        }
        return result
    }

    /// How many spaces stand at the ends of a token that was not added; `nil` where there are none.
    private func spaces(_ part: Part, _ index: Int) -> (leading: Int, trailing: Int)? {
        let id = part.ids[index]
        guard added.token(id) == nil, let token = model.vocabulary.token(Int(id)) else {
            return nil
        }
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            // Ġ is the space of byte-level models.
            scalar.value == 0x120 || ScalarClass.of(scalar.value).contains(.space)
        }
        let scalars = token.unicodeScalars
        let leading = scalars.prefix(while: isSpace).count
        let trailing = scalars.reversed().prefix(while: isSpace).count
        return leading + trailing > 0 ? (leading, trailing) : nil
    }

    /// The offsets of `part` without the white space that its tokens took.
    private func trimmed(_ part: Part, _ trim: PostProcessor.Trim) -> [Range<Int>] {
        part.offsets.enumerated().map { index, range in
            guard case (var leading, let trailing)? = part.spaces[index] ?? spaces(part, index)
            else { return range }
            if leading == 1, trim.addsPrefixSpace, index == 0 || range.lowerBound == 0 {
                leading = 0
            }
            let start = min(range.lowerBound + leading, range.upperBound)
            return start..<max(start, range.upperBound - trailing)
        }
    }
}
