public import Files
public import Tensors

/// One file of `torch.save`, mapped into memory: a table of named tensors and their bytes.
///
/// Read are the zip archives of PyTorch 1.6 and later, the older form of pickles followed by the numbers, and the tar
/// archives of PyTorch 0.1. The file must hold a state dict, that is a dictionary of tensors. Its pickle is only
/// described (see `PickleMachine`): a name that is neither a tensor nor a dictionary is refused, and no code is ever
/// run.
public final class TorchFile: Sendable {
    /// One tensor in the file.
    public struct Entry: Sendable, Equatable {
        /// The name.
        public let name: String
        /// The type as safetensors files spell it: `F32`, `BF16`, `I64`, ...
        public let type: String
        /// The sizes.
        public let shape: Shape

        /// Where the storage of the tensor stands.
        let place: Place
        let element: TorchElement
        /// The first element in the storage.
        let offset: Int
        /// How many elements apart neighbours stand, for each dimension.
        let strides: [Int]
    }

    /// Where the bytes of a storage are.
    enum Place: Sendable, Equatable {
        case file(Range<Int>)
        case deflated(ZipArchive.Entry)

        /// The size of the storage.
        var byteCount: Int {
            switch self {
            case .file(let range): range.count
            case .deflated(let entry): entry.size
            }
        }
    }

    /// The file.
    public let path: String
    /// The tensors in the order of the file. Tied ones stand here under each of their names.
    public let entries: [Entry]
    private let source: WeightBytes

    /// Opens the file at `path` and checks it: every tensor lies in its storage, every storage in the file. Throws a
    /// ``FileError`` that says what does not fit.
    public convenience init(path: String) throws(FileError) {
        try self.init(WeightBytes(path: path))
    }

    /// Opens `source`, recognising the format by its first bytes.
    init(_ source: WeightBytes) throws(FileError) {
        let start = try source.read(min(source.count, 262), at: 0, for: "the begin of the file")
        let content: TorchContent
        if start.starts(with: [0x50, 0x4B]) {
            content = try TorchContent(zip: source)
        } else if start.count == 262, start[257..<262].elementsEqual("ustar".utf8) {
            content = try TorchContent(tar: source)
        } else if start.first == 0x80 {
            content = try TorchContent(legacy: source)
        } else if start.starts(with: "version https://git-lfs".utf8) {
            throw FileError(
                path: source.path, problem: "a pointer of Git LFS, not the file itself",
                remedy: "fetch it with git lfs pull")
        } else {
            throw FileError(
                path: source.path,
                problem:
                    "expected a file of torch.save, found one that begins with \"\(shown(start.prefix(16)))\"",
                remedy: "fetch the file again, or give the model as safetensors")
        }
        path = source.path
        self.source = source
        entries = try content.tensors.map { (name, tensor) throws(FileError) in
            let place = content.places[tensor.storage]
            // Already so by the checks of the formats; a mistake here would read foreign bytes.
            let last = zip(tensor.sizes, tensor.strides).reduce(0) { $0 + max(0, $1.0 - 1) * $1.1 }
            let shape = Shape(tensor.sizes)
            guard
                shape.count == 0
                    || (tensor.offset + last + 1) * tensor.element.size <= place.byteCount
            else { throw source.damaged("tensor \(shown(name.utf8)) leaves its storage") }
            return Entry(
                name: name, type: tensor.element.rawValue, shape: shape, place: place,
                element: tensor.element, offset: tensor.offset, strides: tensor.strides)
        }
    }

    /// The numbers of `entry` as float32, gathered row by row where the file holds a transposed or strided view.
    /// Throws where it does not hold floating-point numbers.
    public func tensor(_ entry: Entry) throws(FileError) -> Tensor {
        guard let type = ElementType(rawValue: entry.type) else {
            throw FileError(
                path: path,
                problem:
                    "tensor \(shown(entry.name.utf8)) has type \(entry.type), expected F32, F16, BF16 or F64",
                remedy: "save the model in one of these types")
        }
        if entry.shape.count == 0 { return Tensor(zeros: entry.shape) }
        switch entry.place {
        case .file(let range):
            return try source.withBytes { bytes in
                numbers(of: entry, type, in: bytes.extracting(range)) { read in
                    let start = range.lowerBound
                    source.forget(start + read.lowerBound..<start + read.upperBound)
                }
            }
        case .deflated(let packed):
            let bytes = try packed.unpacked(from: source)
            return unsafe numbers(of: entry, type, in: bytes.span.bytes) { _ in }
        }
    }

    /// The tensor of that name; `nil` where there is none.
    public func tensor(named name: String) throws(FileError) -> Tensor? {
        guard let entry = entries.first(where: { $0.name == name }) else { return nil }
        return try tensor(entry)
    }

    /// - Parameter didRead: is told which bytes of the storage were read.
    private func numbers(
        of entry: Entry, _ type: ElementType, in storage: RawSpan,
        didRead: (Range<Int>) -> Void
    ) -> Tensor {
        if entry.isContiguous {
            let start = entry.offset * type.size
            let range = start..<start + entry.shape.count * type.size
            return Tensor(bytes: storage.extracting(range), type: type, shape: entry.shape) {
                read in
                didRead(start + read.lowerBound..<start + read.upperBound)
            }
        }
        return switch type.size {
        case 2: gather(entry, type, UInt16.self, storage)
        case 4: gather(entry, type, UInt32.self, storage)
        default: gather(entry, type, UInt64.self, storage)
        }
    }

    /// The elements of a view one after the other, as words of their size.
    private func gather<Word: FixedWidthInteger & BitwiseCopyable>(
        _ entry: Entry, _ type: ElementType, _: Word.Type, _ storage: RawSpan
    ) -> Tensor {
        let sizes = entry.shape.dimensions
        let count = entry.shape.count
        var words: [Word] = []
        words.reserveCapacity(count)
        var index = [Int](repeating: 0, count: sizes.count)
        var position = entry.offset
        let (width, step) = (sizes.last ?? 1, entry.strides.last ?? 0)
        while words.count < count {
            for column in 0..<width {
                let at = (position + column * step) * type.size
                unsafe words.append(
                    storage.unsafeLoadUnaligned(fromByteOffset: at, as: Word.self))
            }
            // The next row: count up the outer dimensions, the last of them fastest.
            var dimension = sizes.count - 2
            while dimension >= 0 {
                index[dimension] += 1
                position += entry.strides[dimension]
                if index[dimension] < sizes[dimension] { break }
                position -= sizes[dimension] * entry.strides[dimension]
                index[dimension] = 0
                dimension -= 1
            }
        }
        return unsafe Tensor(bytes: words.span.bytes, type: type, shape: entry.shape)
    }
}

extension TorchFile.Entry {
    /// Whether the elements follow one another, row by row.
    var isContiguous: Bool {
        var expected = 1
        for (size, stride) in zip(shape.dimensions, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
