package import Files
package import Tensors

/// A file of named tensors, whatever its format.
package protocol WeightFile: Sendable {
    /// The file.
    var path: String { get }
    /// Names and shapes, in the order of the file.
    var table: [(name: String, shape: Shape)] { get }
    /// The numbers of the tensor at `index` of ``table`` as float32. Throws where they are not floating-point.
    func tensor(at index: Int) throws(FileError) -> Tensor
}

extension SafetensorsFile: WeightFile {
    package var table: [(name: String, shape: Shape)] { entries.map { ($0.name, $0.shape) } }
    package func tensor(at index: Int) throws(FileError) -> Tensor { try tensor(entries[index]) }
}

extension TorchFile: WeightFile {
    package var table: [(name: String, shape: Shape)] { entries.map { ($0.name, $0.shape) } }
    package func tensor(at index: Int) throws(FileError) -> Tensor { try tensor(entries[index]) }
}
