internal import Tensors

/// The element types that PyTorch knows, spelled as in safetensors files. Only those of ``ElementType`` can be read as
/// numbers; the others are listed.
enum TorchElement: String, Sendable, CaseIterable {
    case float32 = "F32"
    case float64 = "F64"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case uint16 = "U16"
    case uint32 = "U32"
    case uint64 = "U64"
    case bool = "BOOL"
    case complex64 = "C64"
    case complex128 = "C128"
    case float8e4m3 = "F8_E4M3"
    case float8e5m2 = "F8_E5M2"

    /// Bytes of one element.
    var size: Int {
        switch self {
        case .bool, .uint8, .int8, .float8e4m3, .float8e5m2: 1
        case .float16, .bfloat16, .uint16, .int16: 2
        case .float32, .uint32, .int32: 4
        case .float64, .uint64, .int64, .complex64: 8
        case .complex128: 16
        }
    }

    /// PyTorch's name of a storage of this type; `nil` where there is none.
    var storageName: String? {
        switch self {
        case .float32: "FloatStorage"
        case .float64: "DoubleStorage"
        case .float16: "HalfStorage"
        case .bfloat16: "BFloat16Storage"
        case .int64: "LongStorage"
        case .int32: "IntStorage"
        case .int16: "ShortStorage"
        case .int8: "CharStorage"
        case .uint8: "ByteStorage"
        case .bool: "BoolStorage"
        case .complex64: "ComplexFloatStorage"
        case .complex128: "ComplexDoubleStorage"
        case .uint16, .uint32, .uint64, .float8e4m3, .float8e5m2: nil
        }
    }

    /// PyTorch's name of the type itself.
    var typeName: String {
        switch self {
        case .float8e4m3: "float8_e4m3fn"
        case .float8e5m2: "float8_e5m2"
        default: "\(self)"
        }
    }

    /// PyTorch's name of a tensor of this type, as files of PyTorch 0.1 use it.
    var tensorName: String? {
        storageName.map { $0.replacing("Storage", with: "Tensor") }
    }
}

/// The names from Python that a weight file may use. They are only recognised: there is no code behind them here.
enum TorchGlobal: Equatable, Sendable {
    case orderedDictionary
    case rebuildTensor
    case rebuildTensorV2
    case rebuildTensorV3
    case rebuildParameter
    case size
    case untypedStorage
    case storage(TorchElement)
    case element(TorchElement)
    case tensorType(TorchElement)

    /// By `module.name`.
    static let known: [String: TorchGlobal] = {
        var known: [String: TorchGlobal] = [
            "collections.OrderedDict": .orderedDictionary,
            "torch._utils._rebuild_tensor": .rebuildTensor,
            "torch._utils._rebuild_tensor_v2": .rebuildTensorV2,
            "torch._utils._rebuild_tensor_v3": .rebuildTensorV3,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch.Size": .size,
            "torch.UntypedStorage": .untypedStorage,
            "torch.storage.UntypedStorage": .untypedStorage,
            "torch.storage._UntypedStorage": .untypedStorage,
        ]
        for element in TorchElement.allCases {
            known["torch.\(element.typeName)"] = .element(element)
            for name in [element.storageName].compactMap(\.self) {
                known["torch.\(name)"] = .storage(element)
                known["torch.cuda.\(name)"] = .storage(element)
            }
            for name in [element.tensorName].compactMap(\.self) {
                known["torch.\(name)"] = .tensorType(element)
                known["torch.cuda.\(name)"] = .tensorType(element)
            }
        }
        return known
    }()

    /// What messages call it.
    var name: String {
        TorchGlobal.known.filter { $0.value == self }.map(\.key).min() ?? "\(self)"
    }
}
