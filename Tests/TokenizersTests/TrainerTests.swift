import Testing

@testable import Tokenizers

struct TrainerTests {
    private let lines = [
        "low low low low low", "lower lower", "newest newest newest newest newest newest",
        "widest widest widest", "中国 中国人",
    ]

    private func train(_ lines: [String], size: Int, minimum: Int = 2, alphabet: Int = 1000)
        -> [String]
    {
        var trainer = WordPieceTrainer(
            vocabularySize: size, minimumFrequency: minimum, alphabetLimit: alphabet)
        for line in lines { trainer.add(line) }
        return trainer.train()
    }

    @Test func mostFrequentPairsAreMerged() {
        let words = train(lines, size: 100)
        #expect(Array(words.prefix(5)) == WordPieceTrainer.specialTokens)
        // Characters, sorted, then their continuing forms as words need them.
        #expect(Array(words[5..<15]) == ["d", "e", "i", "l", "n", "o", "r", "s", "t", "w"])
        #expect(words.contains("##w") && words.contains("国"))
        // es (9), then t to it (9), then lo (7), low (7), ...
        let merged = words.filter {
            $0.unicodeScalars.count { $0 != "#" } > 1 && !$0.hasPrefix("[")
        }
        #expect(Array(merged.prefix(4)) == ["##es", "##est", "lo", "low"])
        #expect(merged.contains("newest") && merged.contains("widest") && merged.contains("lower"))
    }

    @Test func sizeAndFrequencyAreKept() {
        #expect(train(lines, size: 30).count == 30)
        #expect(train(lines, size: 12).count == 12)
        let rare = train(["ab"], size: 50, minimum: 2)
        #expect(!rare.contains("ab"))
        #expect(train(["ab"], size: 50, minimum: 1).contains("ab"))
        let limited = train(["a a a b b c"], size: 50, alphabet: 2)
        #expect(limited == WordPieceTrainer.specialTokens + ["a", "b"])
        #expect(train([], size: 50) == WordPieceTrainer.specialTokens)
    }

    @Test func theOrderOfLinesDoesNotMatter() {
        let text = (0..<400).map { "word\($0 % 37) and\($0 % 11) thing\($0 % 53)s of it" }
        let first = train(text, size: 120)
        for _ in 0..<3 { #expect(train(text.shuffled(), size: 120) == first) }
        #expect(Set(first).count == first.count)
    }

    @Test func theVocabularyMakesATokenizer() throws {
        let tokenizer = try Tokenizer.wordPiece(
            vocabulary: train(lines, size: 60), lowercase: true, modelMaxLength: 32)
        let encoding = tokenizer.encode("newest low 中")
        #expect(encoding.tokens(using: tokenizer) == ["[CLS]", "newest", "low", "中", "[SEP]"])
    }
}
