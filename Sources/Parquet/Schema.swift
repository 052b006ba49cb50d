/// How values are stored.
enum PhysicalType: Int {
    case boolean = 0
    case int32 = 1
    case int64 = 2
    case int96 = 3
    case float = 4
    case double = 5
    case byteArray = 6
    case fixedLengthByteArray = 7

    var name: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .int32: "INT32"
        case .int64: "INT64"
        case .int96: "INT96"
        case .float: "FLOAT"
        case .double: "DOUBLE"
        case .byteArray: "BYTE_ARRAY"
        case .fixedLengthByteArray: "FIXED_LEN_BYTE_ARRAY"
        }
    }

    /// The bytes of a number; `nil` for types that are no numbers.
    var width: Int? {
        switch self {
        case .int32, .float: 4
        case .int64, .double: 8
        default: nil
        }
    }
}

/// What stored values mean.
enum LogicalType {
    case text
    case integer(bits: Int, isSigned: Bool)
    case null
    case list
    case map
    /// Not read; says what it is.
    case other(String)

    /// The meaning that older files give by a code.
    init?(converted code: Int) {
        switch code {
        case 0, 4, 19: self = .text  // UTF8, ENUM, JSON
        case 1, 2: self = .map
        case 3: self = .list
        case 5: self = .other("a decimal number")
        case 6: self = .other("a date")
        case 7, 8: self = .other("a time")
        case 9, 10: self = .other("a timestamp")
        case 11...14: self = .integer(bits: 8 << (code - 11), isSigned: false)
        case 15...18: self = .integer(bits: 8 << (code - 15), isSigned: true)
        case 20: self = .other("BSON")
        case 21: self = .other("an interval")
        default: self = .other("a value of the unknown type \(code)")
        }
    }

    /// Reads the union LogicalType.
    init?(_ reader: inout ThriftReader) throws(ThriftError) {
        var type: LogicalType?
        try reader.structure { (reader, field) throws(ThriftError) in
            guard field.id == 10, field.kind == .structure else {
                type = LogicalType(code: field.id)
                return try reader.skip(field.kind)
            }
            var bits = 0
            var isSigned = true
            try reader.structure { (reader, field) throws(ThriftError) in
                switch (field.id, field.kind) {
                case (1, .byte): bits = try reader.int8()
                case (2, .yes): isSigned = true
                case (2, .no): isSigned = false
                default: try reader.skip(field.kind)
                }
            }
            type = .integer(bits: bits, isSigned: isSigned)
        }
        guard let type else { return nil }
        self = type
    }

    private init(code: Int) {
        switch code {
        case 1, 4, 12: self = .text  // STRING, ENUM, JSON
        case 2: self = .map
        case 3: self = .list
        case 5: self = .other("a decimal number")
        case 6: self = .other("a date")
        case 7: self = .other("a time")
        case 8: self = .other("a timestamp")
        case 11: self = .null
        case 13: self = .other("BSON")
        case 14: self = .other("a UUID")
        case 15: self = .other("a float16")
        case 16: self = .other("a variant")
        case 17, 18: self = .other("a geometry")
        case 19: self = .other("a vector")
        default: self = .other("a value of the unknown logical type \(code)")
        }
    }
}

/// An element of the schema: a column, or a group of them.
struct SchemaElement {
    var name = ""
    var physical: PhysicalType?
    var repetition = 0
    var childCount = 0
    var logical: LogicalType?

    static let (required, optional, repeated) = (0, 1, 2)

    init(_ reader: inout ThriftReader) throws(ThriftError) {
        var name: String?
        var converted: Int?
        var element = SchemaElement()
        try reader.structure { (reader, field) throws(ThriftError) in
            switch (field.id, field.kind) {
            case (1, .int32):
                let code = try reader.int32()
                guard let type = PhysicalType(rawValue: code) else {
                    throw .malformed("a column has the unknown type \(code)")
                }
                element.physical = type
            case (3, .int32): element.repetition = try reader.int32()
            case (4, .binary): name = try reader.string()
            case (5, .int32): element.childCount = try reader.int32()
            case (6, .int32): converted = try reader.int32()
            case (10, .structure): element.logical = try LogicalType(&reader)
            default: try reader.skip(field.kind)
            }
        }
        guard let name else { throw .malformed("a column without a name") }
        guard element.childCount >= 0 else {
            throw .malformed("a group of \(element.childCount) columns")
        }
        element.name = name
        if element.logical == nil {
            element.logical = converted.flatMap(LogicalType.init(converted:))
        }
        self = element
    }

    private init() {}

    /// What the values of this element, at the top level, are.
    var type: ParquetType {
        guard let physical else {
            switch logical {
            case .list: return .unsupported("a list")
            case .map: return .unsupported("a map")
            case .other(let what): return .unsupported(what)
            default: return .unsupported(repetition == Self.repeated ? "a list" : "a struct")
            }
        }
        if repetition == Self.repeated { return .unsupported("a list") }
        guard (Self.required...Self.optional).contains(repetition) else {
            return .unsupported("a value of the unknown repetition \(repetition)")
        }
        switch (physical, logical) {
        case (_, .null): return .null
        case (_, .other(let what)): return .unsupported(what)
        case (.boolean, nil): return .bool
        case (.int32, nil): return .int(bits: 32)
        case (.int64, nil): return .int(bits: 64)
        case (.int32, .integer(let bits, let isSigned)) where [8, 16, 32].contains(bits),
            (.int64, .integer(let bits, let isSigned)) where bits == 64:
            return isSigned ? .int(bits: bits) : .unsigned(bits: bits)
        case (.float, nil): return .float
        case (.double, nil): return .double
        case (.byteArray, nil), (.byteArray, .text): return .text
        case (.int96, nil): return .unsupported("an INT96 timestamp")
        case (.fixedLengthByteArray, nil):
            return .unsupported("bytes of a fixed length (\(physical.name))")
        default: return .unsupported("\(physical.name) that means something unknown")
        }
    }
}
