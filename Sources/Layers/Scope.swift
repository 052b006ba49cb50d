public import Tensors

/// A place in the tree of names, handed down the initialisers: `scope["encoder"]["layer"][0]`.
///
/// A layer knows only its own `weight`; whoever builds it knows that it is the `query`.
public struct Scope {
    /// Where parameters are filed.
    public let store: ParameterStore
    /// The name so far, without a dot at its end.
    public let path: String
    private let source: any ParameterSource

    /// The root: parameters are filed in `store` and begin as `source` says.
    public init(store: ParameterStore, source: any ParameterSource) {
        self.init(store: store, source: source, path: "")
    }

    private init(store: ParameterStore, source: any ParameterSource, path: String) {
        (self.store, self.source, self.path) = (store, source, path)
    }

    /// The place `name` below this one.
    public subscript(name: String) -> Scope {
        Scope(store: store, source: source, path: full(name))
    }
    /// The place number `index` below this one.
    public subscript(index: Int) -> Scope { self[String(index)] }

    /// The parameter `name` of `shape` here.
    ///
    /// Throws ``ParameterError`` where the source has none, and the source's error where it does not fit.
    public func parameter(_ name: String, _ shape: Shape, _ initializer: Initializer) throws
        -> Parameter
    {
        guard let parameter = try optionalParameter(name, shape, initializer) else {
            throw ParameterError.missing(name: full(name), shape: shape)
        }
        return parameter
    }

    /// As ``parameter(_:_:_:)``, `nil` where the source has none.
    public func optionalParameter(_ name: String, _ shape: Shape, _ initializer: Initializer) throws
        -> Parameter?
    {
        let name = full(name)
        guard let value = try source.value(name: name, shape: shape, initializer: initializer)
        else { return nil }
        let parameter = Parameter(name: name, value: value)
        store.add(parameter)
        return parameter
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}
