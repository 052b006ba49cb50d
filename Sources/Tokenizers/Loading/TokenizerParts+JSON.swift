internal import Files

extension TokenizerParts {
    /// The `tokenizer.json` of a tokenizer that came from `vocab.txt`; the reference library reads it to the same ids.
    var json: JSON {
        guard case .wordPiece(let model) = model, case .bert(let normalizer) = normalizer else {
            preconditionFailure("TokenizerParts.json: only BERT's WordPiece is written")
        }
        var special: [(key: String, value: JSON)] = []
        func pieces(_ list: [PostProcessor.Piece]) -> JSON {
            .array(
                list.map { piece in
                    switch piece {
                    case .first(let typeID):
                        ["Sequence": ["id": "A", "type_id": .int(Int(typeID))]]
                    case .second(let typeID):
                        ["Sequence": ["id": "B", "type_id": .int(Int(typeID))]]
                    case .special(let id, let typeID):
                        ["SpecialToken": ["id": .string(name(id)), "type_id": .int(Int(typeID))]]
                    }
                })
        }
        func name(_ id: Int32) -> String {
            let name =
                added.first { $0.id == Int(id) }?.token.content
                ?? model.vocabulary.token(Int(id)) ?? ""
            if !special.contains(where: { $0.key == name }) {
                special.append(
                    (
                        name,
                        [
                            "id": .string(name), "ids": [.int(Int(id))],
                            "tokens": [.string(name)],
                        ]
                    ))
            }
            return name
        }
        let (single, pair) = (pieces(postProcessor.single), pieces(postProcessor.pair))
        var vocabulary: [(key: String, value: JSON)] = []
        for id in 0..<model.vocabulary.end {
            // A token that stands twice keeps its later id; an empty one is no token.
            if let token = model.vocabulary.token(id), !token.isEmpty,
                model.vocabulary.id(of: token) == id
            {
                vocabulary.append((token, .int(id)))
            }
        }
        return [
            "version": "1.0", "truncation": .null, "padding": .null,
            "added_tokens": .array(
                added.sorted { $0.id < $1.id }.map { token, id in
                    [
                        "id": .int(id), "content": .string(token.content),
                        "single_word": .bool(token.singleWord), "lstrip": .bool(token.leftStrip),
                        "rstrip": .bool(token.rightStrip),
                        "normalized": .bool(token.isNormalized), "special": .bool(token.isSpecial),
                    ]
                }),
            "normalizer": [
                "type": "BertNormalizer", "clean_text": .bool(normalizer.cleanText),
                "handle_chinese_chars": .bool(normalizer.handleChineseCharacters),
                "strip_accents": normalizer.stripAccents.map(JSON.bool) ?? .null,
                "lowercase": .bool(normalizer.lowercase),
            ],
            "pre_tokenizer": ["type": "BertPreTokenizer"],
            "post_processor": [
                "type": "TemplateProcessing", "single": single, "pair": pair,
                "special_tokens": .object(special),
            ],
            "decoder": ["type": "WordPiece", "prefix": .string(model.prefix), "cleanup": true],
            "model": [
                "type": "WordPiece", "unk_token": .string(model.unknownToken),
                "continuing_subword_prefix": .string(model.prefix),
                "max_input_chars_per_word": .int(model.maximumCharacters),
                "vocab": .object(vocabulary),
            ],
        ]
    }
}
