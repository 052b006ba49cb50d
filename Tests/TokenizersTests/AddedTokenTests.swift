import Files
import Testing

@testable import Tokenizers

struct AddedTokenTests {
    private func tokens(_ text: String, _ added: [JSON]) throws -> ([String], [Range<Int>]) {
        let tokenizer = try load(["tokenizer.json": tokenizerJSON(["added_tokens": .array(added)])])
        let encoding = tokenizer.encode(text, addSpecialTokens: false)
        return (encoding.tokens(using: tokenizer), encoding.offsets)
    }

    @Test func longestOfTheLeftmost() throws {
        let added = [addedToken("<x", 100), addedToken("<x>", 101), addedToken("x>a", 102)]
        #expect(try tokens("a<x>a<xx>a", added).0 == ["a", "<x>", "a", "<x", "x>a"])
    }

    @Test func whiteSpaceIsTaken() throws {
        let added = [
            addedToken("<l>", 100, left: true), addedToken("<r>", 101, right: true),
            addedToken("<b>", 102, left: true, right: true),
        ]
        let (names, offsets) = try tokens("a \t<l> a<r>\u{3000} a <b> <b> a", added)
        #expect(names == ["a", "<l>", "a", "<r>", "a", "<b>", "<b>", "a"])
        #expect(
            offsets == [
                0..<1, 1..<6, 7..<8, 8..<13, 13..<14, 14..<19, 19..<23, 23..<24,
            ])
    }

    @Test func singleWords() throws {
        let added = [addedToken("mask", 26, singleWord: true, normalized: true, special: false)]
        #expect(
            try tokens("mask masks amask mask!", added).0 == [
                "mask", "mask", "##s", "[UNK]", "mask", "!",
            ])
        let joined = [addedToken("mask", 26, normalized: true, special: false)]
        #expect(try tokens("xmaskx", joined).0 == ["x", "mask", "x"])
    }

    @Test func normalizedTokensAreFoundInNormalizedText() throws {
        let added = [
            addedToken("Éa", 100, normalized: true, special: false), addedToken("Ü", 101),
        ]
        // Cleaning makes "ea" of the first; the second is looked for as it is.
        #expect(try tokens("xÉAx eax ü Ü", added).0 == ["x", "Éa", "x", "Éa", "x", "[UNK]", "Ü"])
    }

    @Test func idsBeyondTheVocabulary() throws {
        let tokenizer = try load([
            "tokenizer.json": tokenizerJSON(["added_tokens": [addedToken("<new>", 40)]])
        ])
        #expect(tokenizer.vocabularySize == 41)
        #expect(tokenizer.id(of: "<new>") == 40 && tokenizer.token(40) == "<new>")
        #expect(tokenizer.token(39) == nil && tokenizer.token(-1) == nil)
        #expect(tokenizer.ids(of: "a<new>").ids == [2, 9, 40, 3])
    }

    @Test func tokensOfTheConfig() throws {
        let config: JSON = [
            "added_tokens_decoder": [
                "31": ["content": "<q>", "special": false, "normalized": false],
                "27": ["content": "x", "special": true],
            ],
            "additional_special_tokens": ["<e>"], "cls_token": ["content": "[CLS]"],
        ]
        let tokenizer = try load([
            "tokenizer.json": tokenizerJSON(), "tokenizer_config.json": config.text(),
        ])
        #expect(tokenizer.ids(of: "a<q><e>xa").ids == [2, 9, 31, 32, 27, 9, 3])
        #expect(tokenizer.decode([9, 27, 32, 31]) == "a <q>")
    }

    @Test func robertaOffsetsLeaveOutSpace() throws {
        let processor: JSON = [
            "type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
            "trim_offsets": true, "add_prefix_space": false,
        ]
        let added = [addedToken("<b>", 102, left: true, right: true)]
        let tokenizer = try load([
            "tokenizer.json": tokenizerJSON([
                "added_tokens": .array(added), "post_processor": processor,
            ])
        ])
        #expect(tokenizer.encode("a  <b> a").offsets == [0..<0, 0..<1, 3..<6, 7..<8, 0..<0])
        let pair = tokenizer.encode(pair: "a", "a")
        #expect(pair.ids == [2, 9, 3, 3, 9, 3] && pair.typeIDs == [0, 0, 0, 0, 0, 0])
        #expect(tokenizer.pairSpecialTokenCount == 4)
        // Thought to add a space itself, it leaves a single one at the start.
        let adding = try load([
            "tokenizer.json": tokenizerJSON([
                "added_tokens": .array(added),
                "post_processor": [
                    "type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
                    "trim_offsets": true, "add_prefix_space": true,
                ],
            ])
        ])
        #expect(adding.encode(" <b>").offsets[1] == 0..<4)
        #expect(adding.encode("  <b>").offsets[1] == 2..<5)
    }
}
