import Tokenizers
import Uniem

/// Makes the tokenizer of a fresh model, from a vocabulary or from text.
struct FreshTokenizer {
    /// Whether capital letters and accents count.
    var isCased: Bool
    /// The longest text, in tokens.
    var modelMaxLength: Int
    /// The file of the vocabulary, a token a line; or else:
    var vocabulary: String?
    /// Where the texts are that a vocabulary is learnt from.
    var corpus: String?
    /// How many tokens to learn.
    var size: Int

    /// Reads the vocabulary, or learns it.
    func make(in context: Context) throws -> Tokenizer {
        let tokens: [String]
        if let vocabulary {
            tokens = try TextFile.lines(of: vocabulary)
        } else {
            var trainer = WordPieceTrainer(vocabularySize: size, lowercase: !isCased)
            for text in try texts(in: context) { trainer.add(text) }
            tokens = context.logger.timed("vocabulary learnt") { trainer.train() }
            if tokens.count < size {
                context.say("note: the text has \(tokens.count) tokens to learn, not \(size)")
            }
        }
        do throws(FileError) {
            return try Tokenizer.wordPiece(
                vocabulary: tokens, lowercase: !isCased, modelMaxLength: modelMaxLength)
        } catch {
            throw FileError(
                path: vocabulary ?? corpus ?? error.path,
                line: vocabulary == nil ? nil : error.line, problem: error.problem,
                remedy: error.remedy)
        }
    }

    /// The texts to learn from: the lines of a `.txt` file that are not blank, else all texts of a data set.
    private func texts(in context: Context) throws -> [String] {
        guard let corpus else { return [] }
        if TextFile.Format(path: corpus) == .lines {
            return try TextFile.lines(of: corpus).filter { !TextFile.isBlank($0) }
        }
        let data = try Dataset.load(corpus)
        for source in data.provenance.sources { context.say("corpus: \(source)") }
        return data.records.texts
    }
}
