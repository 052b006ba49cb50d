/// The sizes of a tensor, outermost first; row-major.
public struct Shape: Equatable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
    /// The size of each dimension.
    public let dimensions: [Int]

    /// Traps on a negative size.
    public init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 >= 0 }, "Shape: negative size in \(dimensions)")
        self.dimensions = dimensions
    }

    /// Traps on a negative size.
    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// The number of dimensions.
    public var rank: Int { dimensions.count }
    /// The number of elements; 1 for a scalar.
    public var count: Int { dimensions.reduce(1, *) }
    /// The size of the last dimension; 1 for a scalar.
    public var width: Int { dimensions.last ?? 1 }
    /// The number of rows of ``width`` elements.
    public var rows: Int { width == 0 ? dimensions.dropLast().reduce(1, *) : count / width }

    /// The sizes in brackets: `[32, 384]`.
    public var description: String { dimensions.description }
}
