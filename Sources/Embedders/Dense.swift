internal import Checkpoints
internal import Encoders
internal import Files
internal import Layers
internal import Tensors

/// sentence-transformers' `Dense`: y = f(x W^T + b), and x (or x R^T, where widths differ) added to it where it is a
/// residual layer.
public struct Dense: Sendable {
    /// The length of vectors that go in.
    public let inputs: Int
    /// The length of vectors that come out.
    public let outputs: Int
    /// The parameters, in the order of the layer.
    let store = ParameterStore()
    /// The part of names before `linear.weight`.
    let prefix: String
    private let linear: Linear
    private let residual: Linear?
    private let activation: Function
    private let hasBias: Bool
    private let isResidual: Bool

    /// The functions that are built, by the name of their class in torch.
    private enum Function: String, CaseIterable {
        case identity = "torch.nn.modules.linear.Identity"
        case tanh = "torch.nn.modules.activation.Tanh"
        case relu = "torch.nn.modules.activation.ReLU"
        case gelu = "torch.nn.modules.activation.GELU"
        case sigmoid = "torch.nn.modules.activation.Sigmoid"

        var operation: Activation? {
            switch self {
            case .identity: nil
            case .tanh: .tanh
            case .relu: .relu
            case .gelu: .geluErf
            case .sigmoid: .sigmoid
            }
        }
    }

    /// Reads the module in `folder` (`config.json` and weights), whose parameters are called `name.linear.weight` and
    /// so on.
    ///
    /// Throws a ``FileError`` for what does not fit or is not built.
    init(folder: String, name: String) throws {
        let path = folder + "/config.json"
        let config = ConfigReader(json: try JSON(contentsOf: path), path: path)
        inputs = try config.int("in_features", 1...1_000_000)
        outputs = try config.int("out_features", 1...1_000_000)
        hasBias = try config.bool("bias", default: true)
        isResidual = try config.bool("use_residual", default: false)
        activation = try Dense.function(config)
        for key in ["module_input_name", "module_output_name"] {
            try config.refuse(key) { $0.string == "sentence_embedding" }
        }
        prefix = name + "."
        let source = try CheckpointSource(folder: folder, rules: [.addPrefix(prefix)])
        let scope = Scope(store: store, source: source)[name]
        do {
            (linear, residual) = try Dense.layers(
                scope, inputs: inputs, outputs: outputs, hasBias: hasBias, isResidual: isResidual)
        } catch let error as ParameterError {
            throw FileError(path: folder, problem: "\(error)")
        }
        if let name = source.report.unused.first {
            throw FileError(
                path: folder, problem: "tensor \(name) belongs to no part of a Dense module",
                remedy: "config.json and the weights belong to different modules")
        }
    }

    /// The same module with parameters of its own, which begin as those of `other`.
    init(copying other: Dense) throws {
        (inputs, outputs, prefix) = (other.inputs, other.outputs, other.prefix)
        (activation, hasBias, isResidual) = (other.activation, other.hasBias, other.isResidual)
        let scope = Scope(store: store, source: CopySource(other.store))
        (linear, residual) = try Dense.layers(
            scope[String(prefix.dropLast())], inputs: inputs, outputs: outputs, hasBias: hasBias,
            isResidual: isResidual)
    }

    private static func layers(
        _ scope: Scope, inputs: Int, outputs: Int, hasBias: Bool, isResidual: Bool
    ) throws -> (linear: Linear, residual: Linear?) {
        let linear = try Linear(
            scope["linear"], inputs: inputs, outputs: outputs, hasBias: hasBias)
        // Widths that are equal need no matrix between them.
        guard isResidual, inputs != outputs else { return (linear, nil) }
        return (
            linear,
            try Linear(scope["residual"], inputs: inputs, outputs: outputs, hasBias: false)
        )
    }

    private static func function(_ config: ConfigReader) throws(FileError) -> Function {
        // Without the key it is tanh; short names are those of torch.nn.
        let names = Function.allCases.flatMap { function in
            let short = function.rawValue.split(separator: ".").last.map(String.init) ?? ""
            return [function.rawValue, "torch.nn." + short].map { ($0, function) }
        }
        let name = try config.string("activation_function", default: Function.tanh.rawValue)
        if let match = names.first(where: { $0.0 == name }) { return match.1 }
        throw config.error(
            "activation_function",
            "\(name) is not supported (supported: "
                + Function.allCases.map(\.rawValue).joined(separator: ", ") + ")")
    }

    /// `x` [n, inputs] to [n, outputs].
    func callAsFunction(_ x: Tensor, on tape: inout Tape) -> Tensor {
        // Rows are texts here; adapters are for the encoder's layers.
        let rows = RowNumbers([])
        var y = linear(x, rows: rows, on: &tape)
        if let operation = activation.operation { y = tape.activate(y, operation) }
        guard isResidual else { return y }
        return tape.add(y, residual.map { $0(x, rows: rows, on: &tape) } ?? x)
    }

    /// The module's `config.json`, as sentence-transformers writes it.
    var configuration: JSON {
        var json: JSON = [
            "in_features": .int(inputs), "out_features": .int(outputs), "bias": .bool(hasBias),
            "activation_function": .string(activation.rawValue),
            "module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding",
        ]
        if isResidual { json.set("use_residual", true) }
        return json
    }

    /// The parameters under their names in the module's own file.
    var tensors: [(name: String, tensor: Tensor)] {
        store.parameters.map { (String($0.name.dropFirst(prefix.count)), $0.value) }
    }
}

/// A step between pooling and the finished vector.
public enum HeadModule: Sendable {
    /// A learnt layer.
    case dense(Dense)
    /// Scales vectors to length 1.
    case normalize
}
