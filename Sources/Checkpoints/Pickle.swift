/// What a pickle may cost. Files of real models stay far below each of these.
enum PickleLimits {
    /// Bytes of one pickle, which holds names and sizes, not numbers.
    static let bytes = 16 << 20
    /// Values on the stack, in the memo, open marks, containers, and values in all containers: each at most this many.
    static let values = 1 << 20
    /// Tensors, and storages.
    static let tensors = 1 << 17
    /// Dimensions of a tensor.
    static let rank = 32
    /// Bytes of the name of a module or class.
    static let globalName = 1024
    /// Bytes of the key of a storage, of which one text may make many.
    static let key = 256
    /// Bytes of the name of a tensor.
    static let tensorName = 4096
    /// How many elements a view may have beyond those of its storage (an expanded tensor repeats some).
    static let repeatedElements = 1 << 24
}

/// A value on the stack of a ``PickleMachine``: never larger than two words.
///
/// Texts are ranges of the pickle and containers are numbers of the machine's list, so that no depth, cycle or
/// repetition costs memory or recursion.
enum PickleValue: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    /// An integer of more than 64 bits: where its bytes or digits stand.
    case long(Range<Int>)
    case real(Double)
    case text(Range<Int>)
    case bytes(Range<Int>)
    case container(Int)
    case global(TorchGlobal)
    case storage(Int)
    case tensor(Int)

    /// What messages call it.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a truth value"
        case .int, .long: "a whole number"
        case .real: "a number"
        case .text: "a text"
        case .bytes: "bytes"
        case .container: "a tuple, list or dictionary"
        case .global(let global): "the name \(global.name)"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// A tuple, list or dictionary that a pickle builds.
struct PickleContainer: Sendable {
    enum Kind: Sendable {
        case tuple
        case list
        case dictionary
        case orderedDictionary
    }

    let kind: Kind
    /// The members; of a dictionary key, value, key, value, ...
    var items: [PickleValue] = []

    var isDictionary: Bool { kind == .dictionary || kind == .orderedDictionary }
}

/// A block of numbers that a pickle refers to; the numbers stand elsewhere in the file.
struct TorchStorage: Sendable {
    /// Its name in the file.
    let key: String
    /// `nil` for bytes without a type, of which ``count`` is the number.
    let element: TorchElement?
    /// The number of elements of the whole storage in the file.
    let count: Int
    /// The elements of it that are meant (old files have views of storages).
    let window: Range<Int>

    /// The size of the whole storage in bytes, below 2^62.
    var byteCount: Int { count * (element?.size ?? 1) }
}

/// A tensor that a pickle describes.
struct TorchTensor: Sendable {
    /// The index of its storage.
    let storage: Int
    let element: TorchElement
    /// The first element, counted from the begin of the storage.
    let offset: Int
    let sizes: [Int]
    /// How many elements apart neighbours stand, for each dimension.
    let strides: [Int]
}

/// The codes of the pickle protocols 0 to 5.
enum PickleOperation: UInt8 {
    case mark = 0x28
    case emptyTuple = 0x29
    case stop = 0x2E
    case pop = 0x30
    case popMark = 0x31
    case duplicate = 0x32
    case binaryBytes = 0x42
    case shortBinaryBytes = 0x43
    case float = 0x46
    case binaryFloat = 0x47
    case int = 0x49
    case binaryInt = 0x4A
    case binaryInt1 = 0x4B
    case long = 0x4C
    case binaryInt2 = 0x4D
    case none = 0x4E
    case persistentID = 0x50
    case binaryPersistentID = 0x51
    case reduce = 0x52
    case string = 0x53
    case binaryString = 0x54
    case shortBinaryString = 0x55
    case unicode = 0x56
    case binaryUnicode = 0x58
    case emptyList = 0x5D
    case append = 0x61
    case build = 0x62
    case global = 0x63
    case dictionary = 0x64
    case appends = 0x65
    case get = 0x67
    case binaryGet = 0x68
    case instance = 0x69
    case longBinaryGet = 0x6A
    case list = 0x6C
    case object = 0x6F
    case put = 0x70
    case binaryPut = 0x71
    case longBinaryPut = 0x72
    case setItem = 0x73
    case tuple = 0x74
    case setItems = 0x75
    case emptyDictionary = 0x7D
    case proto = 0x80
    case newObject = 0x81
    case extension1 = 0x82
    case extension2 = 0x83
    case extension4 = 0x84
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long1 = 0x8A
    case long4 = 0x8B
    case shortBinaryUnicode = 0x8C
    case binaryUnicode8 = 0x8D
    case binaryBytes8 = 0x8E
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91
    case newObjectEx = 0x92
    case stackGlobal = 0x93
    case memoize = 0x94
    case frame = 0x95
    case byteArray8 = 0x96
    case nextBuffer = 0x97
    case readOnlyBuffer = 0x98
}
