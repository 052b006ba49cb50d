/// What the values of a column are.
public enum ParquetType: Sendable, Hashable, CustomStringConvertible {
    /// Nothing but nulls.
    case null
    /// Truth values.
    case bool
    /// Signed integers of 8, 16, 32 or 64 bits.
    case int(bits: Int)
    /// Unsigned integers of 8, 16, 32 or 64 bits.
    case unsigned(bits: Int)
    /// Numbers of single precision.
    case float
    /// Numbers of double precision.
    case double
    /// Texts.
    case text
    /// Something that is not read; says what, in the singular: `a list`, `a date`.
    case unsupported(String)

    /// What the values are: `int32`, `text`, `a list`.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int(let bits): "int\(bits)"
        case .unsigned(let bits): "uint\(bits)"
        case .float: "float"
        case .double: "double"
        case .text: "text"
        case .unsupported(let what): what
        }
    }
}

/// A column at the top level of a file.
public struct ParquetColumn: Sendable, Hashable {
    /// Its name, as in the file.
    public let name: String
    /// What its values are.
    public let type: ParquetType
    /// Whether values may be missing.
    public let isNullable: Bool

    /// Whether its values can be read.
    public var isSupported: Bool { unsupportedReason == nil }

    /// Why its values cannot be read; `nil` where they can.
    public var unsupportedReason: String? {
        guard case .unsupported(let what) = type else { return nil }
        return "it holds \(what) in each row; texts, numbers and truth values are read"
    }
}
