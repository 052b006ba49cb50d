public import Tensors

/// All parameters of a model, once each, in the order of their creation.
///
/// The one list that loading, saving, counting, freezing and the optimizer's groups read.
public final class ParameterStore: @unchecked Sendable {
    /// The parameters, in the order of creation.
    public private(set) var parameters: [Parameter] = []
    /// The linear layers whose weights are among them, in the order of creation.
    public internal(set) var linearLayers: [LinearLayer] = []
    private var places: [String: Int] = [:]

    /// A store of `parameters`. Traps where two have one name.
    public init(_ parameters: [Parameter] = []) {
        for parameter in parameters { add(parameter) }
    }

    /// Files `parameter`. Traps where its name is taken.
    public func add(_ parameter: Parameter) {
        precondition(places[parameter.name] == nil, "two parameters named \(parameter.name)")
        places[parameter.name] = parameters.count
        parameters.append(parameter)
    }

    /// The parameter of that full name.
    public subscript(name: String) -> Parameter? { places[name].map { parameters[$0] } }

    /// How many numbers all parameters hold.
    public var count: Int { parameters.reduce(0) { $0 + $1.shape.count } }
    /// How many numbers learn.
    public var trainableCount: Int { parameters.reduce(0) { $0 + $1.trainableCount } }

    /// Lets all parameters learn, all rows of them.
    public func thawAll() {
        for parameter in parameters {
            parameter.isFrozen = false
            parameter.trainableRows = nil
        }
    }
}
