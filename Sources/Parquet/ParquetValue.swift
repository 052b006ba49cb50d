/// A value of a row.
///
/// Two are equal where they are of one case and type; texts where their bytes are the same (Swift's strings are equal
/// also where the same character is written in two ways).
public enum ParquetValue: Sendable, Equatable {
    /// No value.
    case null
    /// A truth value.
    case bool(Bool)
    /// A signed integer of any width.
    case int(Int64)
    /// An unsigned integer of any width.
    case unsigned(UInt64)
    /// A number of single precision, kept apart so that it prints as it was written.
    case float(Float)
    /// A number of double precision.
    case double(Double)
    /// A text.
    case text(String)

    /// Whether the two values are equal.
    public static func == (left: ParquetValue, right: ParquetValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.unsigned(let left), .unsigned(let right)): left == right
        case (.float(let left), .float(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        default: false
        }
    }
}
