/// A learnt tensor with the name it has in the checkpoint.
///
/// Its numbers change only between training steps, when no tape is alive; workers read it without a lock.
public final class Parameter: @unchecked Sendable {
    /// The full name, as in Hugging Face's state dictionary: `encoder.layer.0.attention.self.query.weight`.
    public let name: String
    /// The numbers.
    public internal(set) var value: Tensor {
        didSet { value.buffer.panels = WeightPanels() }
    }
    /// Whether the parameter is left as it is: it takes part in the forward pass only.
    public var isFrozen = false
    /// The rows of a table that learn, where not all do: the others get no gradient, no moments and no decay.
    public var trainableRows: Range<Int>? {
        didSet {
            precondition(
                trainableRows.map {
                    !$0.isEmpty && 0 <= $0.lowerBound && $0.upperBound <= shape.rows
                }
                    ?? true, "\(name): rows \(trainableRows ?? 0..<0) of \(shape)")
        }
    }

    /// How many numbers learn.
    public var trainableCount: Int {
        if isFrozen { return 0 }
        return trainableRows.map { $0.count * shape.width } ?? shape.count
    }

    /// The shape of the part that learns.
    package var trainableShape: Shape {
        trainableRows.map { [$0.count, shape.width] } ?? shape
    }

    /// A parameter that takes over `value`: its memory is the parameter's from now on, and changes with it.
    public init(name: String, value: Tensor) {
        self.name = name
        self.value = value.constant
        self.value.buffer.panels = WeightPanels()
    }

    /// The numbers are about to change in place.
    func willChange() { value.buffer.panels?.forget() }

    /// The sizes.
    public var shape: Shape { value.shape }

    /// Overwrites the numbers with those of `tensor`. Traps on another shape.
    public func assign(_ tensor: Tensor) {
        precondition(tensor.shape == shape, "\(name): \(tensor.shape) assigned to \(shape)")
        value = tensor.copy(for: .staying)
    }
}
