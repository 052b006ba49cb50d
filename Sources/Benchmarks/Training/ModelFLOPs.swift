import Uniem

/// The multiplications and additions of the matrix products of a BERT-like encoder, on real tokens only.
struct ModelFLOPs {
    private let perToken: Double
    private let perSquare: Double

    /// Of the sizes of a BERT: 2 for each weight of a layer and token, 4 H for each pair of tokens of a text.
    init(width: Int, inner: Int, layers: Int) {
        let (width, inner, layers) = (Double(width), Double(inner), Double(layers))
        perToken = layers * 2 * (4 * width * width + 2 * width * inner)
        perSquare = layers * 4 * width
    }

    /// Of the model's `config.json`; `nil` where that has not BERT's keys.
    init?(_ embedder: Embedder) {
        let configuration = embedder.encoder.configuration
        guard let width = configuration["hidden_size"]?.int,
            let inner = configuration["intermediate_size"]?.int,
            let layers = configuration["num_hidden_layers"]?.int
        else { return nil }
        self.init(width: width, inner: inner, layers: layers)
    }

    /// Of a forward pass over texts of the given lengths in tokens.
    func forward(_ lengths: [Int]) -> Double {
        let tokens = lengths.reduce(0, +)
        let squares = lengths.reduce(0) { $0 + $1 * $1 }
        return perToken * Double(tokens) + perSquare * Double(squares)
    }

    /// Of forward and backward pass: three times the forward pass.
    func training(_ lengths: [Int]) -> Double { 3 * forward(lengths) }
}
