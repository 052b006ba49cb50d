public import Tensors

/// The weight of a linear layer, and the adapter that is attached to it.
///
/// The same object for all copies of a ``Linear`` or ``InputFirstLinear``; in a ``ParameterStore`` under the layer's
/// name. The adapter changes only between training steps, when no tape is alive.
public final class LinearLayer: @unchecked Sendable {
    /// The name of the layer in the model: that of its weight without `.weight`.
    public let name: String
    /// The weight: [outputs, inputs], or [inputs, outputs] where ``isInputFirst``.
    public let weight: Parameter
    /// Whether the weight has its inputs first, as in GPT-2.
    public let isInputFirst: Bool
    /// What is attached.
    public private(set) var adapter: LowRankAdapter?

    /// The layer at `scope`, filed in its store.
    init(_ scope: Scope, weight: Parameter, isInputFirst: Bool) {
        (name, self.weight, self.isInputFirst) = (scope.path, weight, isInputFirst)
        scope.store.linearLayers.append(self)
    }

    /// The length of rows that go in.
    public var inputs: Int { weight.shape.dimensions[isInputFirst ? 0 : 1] }
    /// The length of rows that come out.
    public var outputs: Int { weight.shape.dimensions[isInputFirst ? 1 : 0] }

    /// The `result` [n, outputs] for `x` [n, inputs], and what the adapter adds to it.
    func adapted(
        _ result: consuming Tensor, _ x: Tensor, rows: RowNumbers, on tape: inout Tape
    ) -> Tensor {
        guard let adapter else { return result }
        let a = tape.parameter(adapter.a)
        let b = tape.parameter(adapter.b)
        return tape.addLowRank(
            to: result, x, a, b, scale: adapter.scale, dropout: adapter.dropout, rows: rows)
    }

    /// Attaches `adapter`. Traps where there is one, or its shapes do not fit.
    public func attach(_ adapter: LowRankAdapter) {
        precondition(self.adapter == nil, "\(name) has an adapter")
        let rank = adapter.rank
        precondition(
            adapter.a.shape == [rank, inputs] && adapter.b.shape == [outputs, rank],
            "\(name) \(weight.shape): adapter \(adapter.a.shape), \(adapter.b.shape)")
        self.adapter = adapter
    }

    /// Removes the adapter; nothing happens where there is none.
    public func detachAdapter() { adapter = nil }

    /// Adds what the adapter has learnt to the weight, and removes the adapter; nothing happens where there is none.
    public func mergeAdapter() {
        guard let adapter else { return }
        weight.assign(
            weight.value.addingLowRank(
                adapter.a.value, adapter.b.value, scale: adapter.scale, isInputFirst: isInputFirst))
        self.adapter = nil
    }
}

/// What learns beside one linear layer: `scale` times B A.
public struct LowRankAdapter: Sendable {
    /// A, [rank, inputs].
    public let a: Parameter
    /// B, [outputs, rank].
    public let b: Parameter
    /// The numerator of the scale.
    public let alpha: Double
    /// How often B A counts.
    public let scale: Float
    /// The dropout of what goes into A.
    public let dropout: Float

    /// The adapter of `layer`, its parameters filed in `store` under PEFT's names and begun as `source` says: A evenly
    /// distributed as PyTorch's linear layers, B zero.
    ///
    /// - Parameters:
    ///   - rank: in place of that of `settings`.
    ///   - alpha: in place of that of `settings`.
    ///
    /// Throws where `source` does.
    public init(
        of layer: LinearLayer, _ settings: LoRA, rank: Int? = nil, alpha: Double? = nil,
        store: ParameterStore, source: any ParameterSource
    ) throws {
        let rank = rank ?? settings.rank
        let scope = Scope(store: store, source: source)[layer.name]
        a = try scope["lora_A"].parameter(
            "weight", [rank, layer.inputs],
            .uniform(bound: 1 / Double(max(1, layer.inputs)).squareRoot()))
        b = try scope["lora_B"].parameter("weight", [layer.outputs, rank], .zeros)
        self.alpha = alpha ?? settings.alpha
        scale = settings.scale(rank: rank, alpha: self.alpha)
        dropout = Float(settings.dropout)
    }

    /// The rank r.
    public var rank: Int { a.shape.rows }
}
