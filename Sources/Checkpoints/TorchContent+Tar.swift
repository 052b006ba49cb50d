internal import Files

extension TorchContent {
    /// Reads the tar archive of PyTorch 0.1: the files `storages`, `tensors` and `pickle`.
    ///
    /// `storages` is a number of storages; for each a pickle (number, place, type), its size (8 bytes) and its
    /// elements; then a list of views. `tensors` is a number of tensors; for each a pickle (number, number of the
    /// storage, type), the rank (8 bytes), the sizes, the strides and the offset. `pickle` refers to these by number.
    init(tar source: WeightBytes) throws(FileError) {
        let files = try TorchContent.tarFiles(in: source)
        guard let storages = files["storages"], let tensors = files["tensors"],
            let pickle = files["pickle"]
        else {
            throw FileError(
                path: source.path,
                problem: "a tar archive without the files storages, tensors and pickle",
                remedy:
                    "it is not a file that torch.save wrote; unpack it and give the model folder")
        }
        guard pickle.count <= PickleLimits.bytes else {
            throw source.damaged("a pickle of \(pickle.count) bytes")
        }
        let input = try source.read(pickle.count, at: pickle.lowerBound, for: "the pickle")
        var machine = PickleMachine(input, path: source.path)
        var reader = TarReader(source: source, objects: [:])
        try reader.readStorages(in: storages, into: &machine)
        try reader.readTensors(in: tensors, into: &machine)
        machine.objects = reader.objects
        let state = try machine.run()
        let names = try machine.stateDictionary(state)
        self.init(tensors: names, places: reader.places)
    }

    private init(tensors: [(name: String, tensor: TorchTensor)], places: [TorchFile.Place]) {
        (self.tensors, self.places) = (tensors, places)
    }

    /// Where the files of the archive stand.
    private static func tarFiles(in source: WeightBytes) throws(FileError) -> [String: Range<Int>] {
        var files: [String: Range<Int>] = [:]
        var position = 0
        while source.count - position >= 512 {
            let header = try source.read(512, at: position, for: "the tar archive")
            if header.allSatisfy({ $0 == 0 }) { break }
            let sum = header.indices.reduce(0) {
                $0 + ((148..<156).contains($1) ? 0x20 : Int(header[$1]))
            }
            guard octal(header[148..<156]) == sum, let size = octal(header[124..<136]),
                size <= source.count - position - 512
            else { throw source.damaged("damaged tar archive at byte \(position)") }
            let name = String(decoding: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
            let isFile = header[156] == UInt8(ascii: "0") || header[156] == 0
            if isFile {
                let range = position + 512..<position + 512 + size
                guard files.updateValue(range, forKey: name) == nil, files.count <= 64 else {
                    throw source.damaged("the tar archive has two files \(shown(name.utf8))")
                }
            }
            // Files begin at multiples of 512 bytes; the last may lack its padding.
            position = min(source.count, position + 512 + (size + 511) / 512 * 512)
        }
        return files
    }

    /// The number in a tar field: octal digits, then blanks or zero bytes.
    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        // Int(_:radix:) would take a sign too.
        guard digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}

/// Reads the files `storages` and `tensors` of PyTorch 0.1.
private struct TarReader {
    let source: WeightBytes
    var objects: [Int: PickleValue]
    var places: [TorchFile.Place] = []

    init(source: WeightBytes, objects: [Int: PickleValue]) {
        (self.source, self.objects) = (source, objects)
    }

    /// Runs the pickle at `position`, of at most `limit` bytes, and moves behind it.
    private func pickle(
        at position: inout Int, end: Int, limit: Int = 4096
    ) throws(FileError) -> (machine: PickleMachine, value: PickleValue) {
        let bytes = try source.read(min(limit, end - position), at: position, for: "a pickle")
        var machine = PickleMachine(bytes, path: source.path)
        let value = try machine.run()
        position += machine.position
        return (machine, value)
    }

    /// A count, as a pickle of its own.
    private func count(
        at position: inout Int, end: Int, _ what: String
    ) throws(FileError) -> Int {
        let (machine, value) = try pickle(at: &position, end: end)
        return try machine.count(value, what)
    }

    /// A little-endian number of 64 bits.
    private func number(at position: inout Int, end: Int) throws(FileError) -> Int {
        guard end - position >= 8,
            let value = LittleEndian(try source.read(8, at: position, for: "a number")).u64(0)
        else { throw source.damaged("an impossible number at byte \(position)") }
        position += 8
        return value
    }

    mutating func readStorages(
        in range: Range<Int>, into machine: inout PickleMachine
    ) throws(FileError) {
        var position = range.lowerBound
        let end = range.upperBound
        for _ in 0..<(try count(at: &position, end: end, "the number of storages")) {
            let (described, value) = try pickle(at: &position, end: end)
            let items = try described.members(value, "a storage")
            guard items.count == 3, case .global(.storage(let element)) = items[2] else {
                throw source.damaged("a malformed storage before byte \(position)")
            }
            let key = try described.count(items[0], "the number of a storage")
            let count = try number(at: &position, end: end)
            guard count <= (end - position) / element.size else {
                throw source.damaged("a storage of \(count) elements at byte \(position)")
            }
            let storage = TorchStorage(
                key: "\(key)", element: element, count: count, window: 0..<count)
            objects[key] = try machine.addStorage(storage)
            places.append(.file(position..<position + count * element.size))
            position += count * element.size
        }
        let (views, value) = try pickle(at: &position, end: end, limit: PickleLimits.bytes)
        for view in try views.members(value, "the views of storages") {
            let items = try views.members(view, "the view of a storage")
            guard items.count == 4 else { throw source.damaged("a malformed view of a storage") }
            var numbers: [Int] = []
            for item in items { numbers.append(try views.count(item, "the view of a storage")) }
            let (start, size) = (numbers[2], numbers[3])
            guard case .storage(let index)? = objects[numbers[1]] else {
                throw source.damaged("the view of a storage that is not there")
            }
            let root = machine.storages[index]
            guard start <= root.window.count, size <= root.window.count - start else {
                throw source.damaged("the view of a storage leaves it")
            }
            let first = root.window.lowerBound + start
            objects[numbers[0]] = try machine.addStorage(
                TorchStorage(
                    key: root.key, element: root.element, count: root.count,
                    window: first..<first + size))
            places.append(places[index])
        }
    }

    mutating func readTensors(
        in range: Range<Int>, into machine: inout PickleMachine
    ) throws(FileError) {
        var position = range.lowerBound
        let end = range.upperBound
        for _ in 0..<(try count(at: &position, end: end, "the number of tensors")) {
            let (described, value) = try pickle(at: &position, end: end)
            let items = try described.members(value, "a tensor")
            guard items.count == 3, case .global(.tensorType(let element)) = items[2] else {
                throw source.damaged("a malformed tensor before byte \(position)")
            }
            let key = try described.count(items[0], "the number of a tensor")
            let storageKey = try described.count(items[1], "the number of a storage")
            guard case .storage(let storage)? = objects[storageKey],
                machine.storages[storage].element == element
            else { throw source.damaged("a tensor without a storage before byte \(position)") }
            // The upper half of the eight bytes is rubbish.
            let rank = try source.read(8, at: position, for: "a tensor")
            position += 8
            var numbers: [Int] = []
            let dimensions = LittleEndian(rank).u32(0)
            guard dimensions <= PickleLimits.rank else {
                throw source.damaged("a tensor of \(dimensions) dimensions")
            }
            for _ in 0..<2 * dimensions + 1 {
                numbers.append(try number(at: &position, end: end))
            }
            objects[key] = try machine.addTensor(
                storage, element, offset: numbers[2 * dimensions],
                Array(numbers[..<dimensions]), Array(numbers[dimensions..<2 * dimensions]))
        }
    }
}
