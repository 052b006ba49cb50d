internal import Layers
internal import Tensors

/// The sizes and choices of a ``PostNormLayer``.
struct PostNormSizes {
    var width: Int
    var inner: Int
    var heads: Int
    var activation: Activation
    var epsilon: Double
    var attentionDropout: Float
    /// Of what attention puts out.
    var attendedDropout: Float
    /// Of what the feed-forward block puts out.
    var outputDropout: Float
    var deviation: Double
}

/// What a family calls the parts of a ``PostNormLayer``, below the layer's own name.
struct PostNormNames {
    var query: String
    var key: String
    var value: String
    var attentionOutput: String
    var attentionNorm: String
    var intermediate: String
    var output: String
    var outputNorm: String

    /// BERT's names.
    static let bert = PostNormNames(
        query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
        attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
        intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm")
}

/// Attention and feed-forward, each followed by dropout, the residual and a norm (Vaswani et al. 2017,
/// arXiv 1706.03762).
struct PostNormLayer: Sendable {
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Linear
    private let attentionNorm: LayerNorm
    private let intermediate: Linear
    private let output: Linear
    private let outputNorm: LayerNorm
    private let heads: Int
    private let scale: Float
    private let activation: Activation
    private let attentionDropout: Float
    private let attendedDropout: Float
    private let outputDropout: Float

    init(_ scope: Scope, _ sizes: PostNormSizes, names: PostNormNames = .bert) throws {
        let width = sizes.width
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Linear {
            try Linear(scope[name], inputs: inputs, outputs: outputs, deviation: sizes.deviation)
        }
        func norm(_ name: String) throws -> LayerNorm {
            try LayerNorm(scope[name], width: width, epsilon: sizes.epsilon)
        }
        query = try linear(names.query, width, width)
        key = try linear(names.key, width, width)
        value = try linear(names.value, width, width)
        attentionOutput = try linear(names.attentionOutput, width, width)
        attentionNorm = try norm(names.attentionNorm)
        intermediate = try linear(names.intermediate, width, sizes.inner)
        output = try linear(names.output, sizes.inner, width)
        outputNorm = try norm(names.outputNorm)
        heads = sizes.heads
        scale = 1 / Float(width / sizes.heads).squareRoot()
        activation = sizes.activation
        attentionDropout = sizes.attentionDropout
        attendedDropout = sizes.attendedDropout
        outputDropout = sizes.outputDropout
    }

    /// `x` [T, H] to [T, H]; `bias` is added to attention scores by distance.
    func callAsFunction(
        _ x: Tensor, _ batch: TokenBatch, bias: Tensor? = nil, on tape: inout Tape
    ) -> Tensor {
        let q = query(x, rows: batch.rows, on: &tape)
        let k = key(x, rows: batch.rows, on: &tape)
        let v = value(x, rows: batch.rows, on: &tape)
        let context = tape.attention(
            q, k, v, offsets: batch.offsets, heads: heads, scale: scale, bias: bias,
            dropout: attentionDropout, rows: batch.rows)
        let projected = attentionOutput(context, rows: batch.rows, on: &tape)
        let attended = attentionNorm(
            projected, residual: x, dropout: attendedDropout, rows: batch.rows, on: &tape)
        let inner = tape.activate(
            intermediate(attended, rows: batch.rows, on: &tape), activation)
        let down = output(inner, rows: batch.rows, on: &tape)
        return outputNorm(
            down, residual: attended, dropout: outputDropout, rows: batch.rows, on: &tape)
    }
}
