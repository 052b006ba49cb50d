internal import Files
internal import Tensors

/// A file of named tensors, whatever its format.
protocol WeightFile: Sendable {
    /// The file.
    var path: String { get }
    /// Names and shapes, in the order of the file.
    var table: [(name: String, shape: Shape)] { get }
    /// The numbers of the tensor at `index` of ``table`` as float32. Throws where they are not floating-point.
    func tensor(at index: Int) throws(FileError) -> Tensor
}

extension SafetensorsFile: WeightFile {
    var table: [(name: String, shape: Shape)] { entries.map { ($0.name, $0.shape) } }
    func tensor(at index: Int) throws(FileError) -> Tensor { try tensor(entries[index]) }
}

extension TorchFile: WeightFile {
    var table: [(name: String, shape: Shape)] { entries.map { ($0.name, $0.shape) } }
    func tensor(at index: Int) throws(FileError) -> Tensor { try tensor(entries[index]) }
}
