internal import Files

/// What a file of `torch.save` holds: the described tensors, and where each storage stands.
struct TorchContent {
    let tensors: [(name: String, tensor: TorchTensor)]
    /// By the number of the storage.
    let places: [TorchFile.Place]

    /// Reads a zip archive of PyTorch 1.6 or later: `NAME/data.pkl`, `NAME/data/KEY` for each storage, and
    /// `NAME/byteorder` from 2.1 on.
    init(zip source: WeightBytes) throws(FileError) {
        let archive = try ZipArchive(source)
        let ending = "/data.pkl"
        let roots = archive.entries.map(\.name).filter { name in
            name.utf8.reversed().starts(with: ending.utf8.reversed())
                && name.utf8.count { $0 == UInt8(ascii: "/") } == 1
        }
        guard let pickle = roots.first.flatMap({ archive[$0] }), roots.count == 1 else {
            throw FileError(
                path: source.path,
                problem: "expected one data.pkl in the archive, found \(roots.count)",
                remedy: "it is not a file that torch.save wrote")
        }
        let root = String(decoding: pickle.name.utf8.dropLast(ending.utf8.count), as: UTF8.self)
        if archive[root + "/constants.pkl"] != nil {
            throw FileError(
                path: source.path, problem: "a TorchScript archive, which holds code",
                remedy: "save the weights alone: torch.save(model.state_dict(), path)")
        }
        if let order = archive[root + "/byteorder"] {
            guard order.size <= 16 else {
                throw source.damaged("a byteorder of \(order.size) bytes")
            }
            let text = try order.unpacked(from: source)
            guard text.elementsEqual("little".utf8) else {
                throw TorchContent.foreignOrder("\"\(shown(text))\"", source)
            }
        }
        guard pickle.size <= PickleLimits.bytes else {
            throw source.damaged(
                "a pickle of \(pickle.size) bytes, expected at most \(PickleLimits.bytes)")
        }
        var machine = PickleMachine(try pickle.unpacked(from: source), path: source.path)
        let state = try machine.run()
        tensors = try machine.stateDictionary(state)
        places = try machine.storages.map { (storage) throws(FileError) in
            let name = root + "/data/" + storage.key
            guard let entry = archive[name] else {
                throw source.damaged("\(shown(name.utf8)) is missing in the archive")
            }
            let slack = entry.size - storage.byteCount
            guard slack >= 0, slack < storage.element?.size ?? 1 else {
                throw source.damaged(
                    "\(shown(name.utf8)) has \(entry.size) bytes, expected \(storage.byteCount)")
            }
            return entry.isDeflated ? .deflated(entry) : .file(entry.bytes)
        }
    }

    /// Reads the form before PyTorch 1.6: pickles of a magic number, a version, facts about the machine, the state
    /// dict, and the keys of the storages; then for each of these its size (8 bytes) and its elements.
    init(legacy source: WeightBytes) throws(FileError) {
        let bytes = try source.read(
            min(source.count, PickleLimits.bytes), at: 0, for: "the pickles of the file")
        let header = try TorchContent.legacyHeader(bytes, source)
        var machine = PickleMachine(bytes, at: header, path: source.path)
        let state = try machine.run()
        tensors = try machine.stateDictionary(state)

        var list = PickleMachine(bytes, at: machine.position, path: source.path)
        let value = try list.run()
        let keys = try list.members(value, "the keys of the storages")
        var sizes: [String: (count: Int, size: Int)] = [:]
        for storage in machine.storages {
            guard let element = storage.element else {
                throw source.damaged("storage \(shown(storage.key.utf8)) has no type")
            }
            let known = sizes.updateValue((storage.count, element.size), forKey: storage.key)
            guard known == nil || (known?.count, known?.size) == (storage.count, element.size)
            else {
                throw source.damaged("storage \(shown(storage.key.utf8)) has two sizes")
            }
        }
        var ranges: [String: Range<Int>] = [:]
        var position = list.position
        for value in keys {
            let key = try list.text(value, "the key of a storage")
            guard let (count, size) = sizes[key], ranges[key] == nil else {
                throw source.damaged("storage \(shown(key.utf8)) belongs to no tensor")
            }
            let found = LittleEndian(try source.read(8, at: position, for: "a storage")).u64(0)
            guard found == count, count * size <= source.count - position - 8 else {
                throw source.damaged(
                    "storage \(shown(key.utf8)) of \(count) elements does not follow at byte \(position)"
                )
            }
            ranges[key] = position + 8..<position + 8 + count * size
            position += 8 + count * size
        }
        places = try machine.storages.map { (storage) throws(FileError) in
            guard let range = ranges[storage.key] else {
                throw source.damaged("storage \(shown(storage.key.utf8)) is missing")
            }
            return .file(range)
        }
    }

    /// Checks magic number, version and facts about the machine; returns where the state dict begins.
    private static func legacyHeader(
        _ bytes: [UInt8], _ source: WeightBytes
    ) throws(FileError) -> Int {
        let unknown = FileError(
            path: source.path, problem: "a pickle, but not one that torch.save wrote",
            remedy: "save the weights alone: torch.save(model.state_dict(), path)")
        var machine = PickleMachine(bytes, path: source.path)
        let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        guard case .long(let range) = try machine.run(), bytes[range].elementsEqual(magic) else {
            throw unknown
        }
        machine = PickleMachine(bytes, at: machine.position, path: source.path)
        guard case .int(let version) = try machine.run() else { throw unknown }
        guard version == 1001 else {
            throw FileError(
                path: source.path, problem: "version \(version) of torch.save, expected 1001",
                remedy: "load it with torch and save it again")
        }
        machine = PickleMachine(bytes, at: machine.position, path: source.path)
        let facts = try machine.run()
        guard case .container(let index) = facts, machine.containers[index].isDictionary else {
            throw unknown
        }
        let items = machine.containers[index].items
        for place in stride(from: 0, to: items.count, by: 2) {
            if case .text(let key) = items[place], case .bool(false) = items[place + 1],
                bytes[key].elementsEqual("little_endian".utf8)
            {
                throw foreignOrder("big", source)
            }
        }
        return machine.position
    }

    private static func foreignOrder(_ found: String, _ source: WeightBytes) -> FileError {
        FileError(
            path: source.path, problem: "the byte order is \(found), expected little",
            remedy: "load it with torch on the machine that wrote it and save safetensors")
    }
}
