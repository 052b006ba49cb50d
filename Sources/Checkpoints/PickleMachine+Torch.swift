internal import Files

extension PickleMachine {
    /// What `callee(*arguments)` describes.
    mutating func call(
        _ callee: PickleValue, _ arguments: PickleValue
    ) throws(FileError) -> PickleValue {
        guard case .global(let global) = callee else {
            throw FileError(
                path: path, problem: "the pickle calls \(callee.kind)", remedy: PickleMachine.remedy
            )
        }
        guard case .container(let index) = arguments, containers[index].kind == .tuple else {
            throw damaged("\(global.name) has \(arguments.kind) for arguments")
        }
        let items = containers[index].items
        switch (global, items.count) {
        case (.orderedDictionary, 0): return try make(.orderedDictionary, [])
        case (.orderedDictionary, 1): return try make(.orderedDictionary, pairs(of: items[0]))
        case (.size, 1): return items[0]
        case (.rebuildParameter, 3):
            guard case .tensor = items[0] else {
                throw damaged("a parameter made of \(items[0].kind)")
            }
            return items[0]
        case (.rebuildTensor, 4), (.rebuildTensorV2, 6): return try tensor(items, element: nil)
        case (.rebuildTensorV2, 7):
            try refuseFlags(items[6])
            return try tensor(items, element: nil)
        case (.rebuildTensorV3, 7), (.rebuildTensorV3, 8):
            guard case .global(.element(let element)) = items[6] else {
                throw damaged("a tensor whose type is \(items[6].kind)")
            }
            if items.count == 8 { try refuseFlags(items[7]) }
            return try tensor(items, element: element)
        default:
            throw FileError(
                path: path,
                problem: "the pickle calls \(global.name) with \(items.count) arguments",
                remedy: PickleMachine.remedy)
        }
    }

    /// Python 2 hands an ordered dictionary its members as a list of lists of two.
    private func pairs(of value: PickleValue) throws(FileError) -> [PickleValue] {
        var result: [PickleValue] = []
        for item in try members(value, "the members of a dictionary") {
            let pair = try members(item, "a member of a dictionary")
            guard pair.count == 2 else { throw damaged("a dictionary member of \(pair.count)") }
            result += pair
        }
        return result
    }

    /// The members of a tuple or list.
    func members(_ value: PickleValue, _ what: String) throws(FileError) -> [PickleValue] {
        guard case .container(let index) = value, !containers[index].isDictionary else {
            throw damaged("\(what): expected a tuple or list, found \(value.kind)")
        }
        return containers[index].items
    }

    /// Flags such as "conjugated" would change the numbers; no weights have them.
    private func refuseFlags(_ value: PickleValue) throws(FileError) {
        if case .none = value { return }
        if case .container(let index) = value, containers[index].items.isEmpty { return }
        throw FileError(
            path: path, problem: "a tensor has flags that change its numbers",
            remedy: "save resolve_conj() and resolve_neg() of it")
    }

    /// A number that is 0 or more.
    func count(_ value: PickleValue, _ what: String) throws(FileError) -> Int {
        guard case .int(let number) = value, number >= 0 else {
            if case .int(let number) = value { throw damaged("\(what) is \(number)") }
            throw damaged("\(what): expected a whole number, found \(value.kind)")
        }
        return number
    }

    /// The tensor of `_rebuild_tensor`: storage, offset, sizes, strides, ...
    private mutating func tensor(
        _ items: [PickleValue], element: TorchElement?
    ) throws(FileError) -> PickleValue {
        guard case .storage(let storage) = items[0] else {
            throw damaged("a tensor made of \(items[0].kind)")
        }
        guard let element = element ?? storages[storage].element else {
            throw damaged("a tensor without a type")
        }
        var sizes: [Int] = []
        for item in try members(items[2], "the sizes of a tensor") {
            sizes.append(try count(item, "the size of a tensor"))
        }
        var strides: [Int] = []
        for item in try members(items[3], "the strides of a tensor") {
            strides.append(try count(item, "the stride of a tensor"))
        }
        return try addTensor(
            storage, element, offset: count(items[1], "the offset of a tensor"), sizes, strides)
    }

    /// Notes a tensor after checking that each of its elements lies in the storage.
    mutating func addTensor(
        _ storage: Int, _ element: TorchElement, offset: Int, _ sizes: [Int], _ strides: [Int]
    ) throws(FileError) -> PickleValue {
        guard tensors.count < PickleLimits.tensors else {
            throw damaged("more than \(PickleLimits.tensors) tensors")
        }
        guard sizes.count == strides.count, sizes.count <= PickleLimits.rank else {
            throw damaged("a tensor of \(sizes.count) sizes and \(strides.count) strides")
        }
        let whole = storages[storage]
        var (first, end) = (whole.window.lowerBound, whole.window.upperBound)
        if whole.element != element {
            // Bytes without a type, or seen as another one.
            let size = whole.element?.size ?? 1
            guard first * size % element.size == 0 else {
                throw damaged("a tensor of \(element.rawValue) between two elements")
            }
            (first, end) = (first * size / element.size, end * size / element.size)
        }
        var total = 1
        var last = 0
        var fits = true
        for (size, stride) in zip(sizes, strides) {
            let product = total.multipliedReportingOverflow(by: size)
            let reach = stride.multipliedReportingOverflow(by: max(0, size - 1))
            let sum = last.addingReportingOverflow(reach.partialValue)
            fits = fits && !product.overflow && !reach.overflow && !sum.overflow
            (total, last) = (product.partialValue, sum.partialValue)
        }
        let available = end - first
        guard fits, offset <= available, total == 0 || last < available - offset else {
            throw damaged(
                "a tensor \(sizes) with strides \(strides) from \(offset) on leaves its storage of \(available) elements"
            )
        }
        guard total <= available + PickleLimits.repeatedElements else {
            throw damaged("a tensor \(sizes) repeats the \(available) elements of its storage")
        }
        tensors.append(
            TorchTensor(
                storage: storage, element: element, offset: first + offset, sizes: sizes,
                strides: strides))
        return .tensor(tensors.count - 1)
    }

    /// What a persistent id stands for: a storage elsewhere in the file.
    mutating func persistent(_ id: PickleValue) throws(FileError) -> PickleValue {
        if let objects { return try earlier(id, objects) }
        let items = try members(id, "a reference to a storage")
        guard items.count >= 5, items.count <= 6, case .text(let tag) = items[0] else {
            throw damaged("a reference of \(items.count) parts to a storage, expected 5 or 6")
        }
        guard input[tag].elementsEqual("storage".utf8) else {
            throw FileError(
                path: path,
                problem: "the pickle holds a \(shown(input[tag])), expected storages of numbers",
                remedy: "save the weights alone: torch.save(model.state_dict(), path)")
        }
        let element: TorchElement?
        switch items[1] {
        case .global(.storage(let type)): element = type
        case .global(.untypedStorage): element = nil
        default: throw damaged("a storage whose type is \(items[1].kind)")
        }
        let key = try text(items[2], "the key of a storage")
        let count = try count(items[4], "the size of a storage")
        var window = 0..<count
        if items.count == 6, case .container = items[5] {
            // Key, first element and number of elements of a view of the storage.
            let view = try members(items[5], "the view of a storage")
            guard view.count == 3 else { throw damaged("a storage view of \(view.count) parts") }
            let start = try self.count(view[1], "the offset of a storage view")
            let size = try self.count(view[2], "the size of a storage view")
            guard start <= count, size <= count - start else {
                throw damaged("a view of \(size) elements from \(start) on, there are \(count)")
            }
            window = start..<start + size
        }
        return try addStorage(
            TorchStorage(key: key, element: element, count: count, window: window))
    }

    /// Notes a storage whose size in bytes is a number.
    mutating func addStorage(_ storage: TorchStorage) throws(FileError) -> PickleValue {
        guard storages.count < PickleLimits.tensors else {
            throw damaged("more than \(PickleLimits.tensors) storages")
        }
        guard storage.count < 1 << 58 else {
            throw damaged("a storage of \(storage.count) elements")
        }
        storages.append(storage)
        return .storage(storages.count - 1)
    }

    /// A text of at most `limit` bytes as a String.
    func text(
        _ value: PickleValue, _ what: String, limit: Int = PickleLimits.key
    ) throws(FileError) -> String {
        guard case .text(let range) = value, range.count <= limit,
            let text = String(validating: input[range], as: UTF8.self)
        else { throw damaged("\(what) is no proper text") }
        return text
    }

    /// In files of PyTorch 0.1: an id is the number, as text, of something described earlier.
    private func earlier(
        _ id: PickleValue, _ objects: [Int: PickleValue]
    ) throws(FileError) -> PickleValue {
        let number: Int?
        switch id {
        case .int(let value): number = value
        case .text(let range): number = PickleMachine.decimal(input[range])
        default: number = nil
        }
        guard let value = number.flatMap({ objects[$0] }) else {
            throw damaged("a reference to an object that is not there")
        }
        return value
    }

    /// The names and tensors of the state dict that the pickle left.
    func stateDictionary(
        _ value: PickleValue
    ) throws(FileError) -> [(name: String, tensor: TorchTensor)] {
        let remedy = "save the weights alone: torch.save(model.state_dict(), path)"
        guard case .container(let index) = value, containers[index].isDictionary else {
            throw FileError(
                path: path, problem: "expected a dictionary of tensors, found \(value.kind)",
                remedy: remedy)
        }
        let items = containers[index].items
        var names: Set<[UInt8]> = []
        var result: [(name: String, tensor: TorchTensor)] = []
        for place in stride(from: 0, to: items.count, by: 2) {
            let name = try text(
                items[place], "a name in the state dict", limit: PickleLimits.tensorName)
            guard case .tensor(let tensor) = items[place + 1] else {
                throw FileError(
                    path: path,
                    problem: "\(shown(name.utf8)) is \(items[place + 1].kind), expected a tensor",
                    remedy: remedy)
            }
            guard names.insert(Array(name.utf8)).inserted else {
                throw damaged("tensor \(shown(name.utf8)) is listed twice")
            }
            result.append((name, tensors[tensor]))
        }
        return result
    }
}
