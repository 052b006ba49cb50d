internal import Files

/// Runs one pickle, knowing tensors and dictionaries and nothing else.
///
/// A pickle is a program for a stack machine that may name any function of Python and call it. This machine has no
/// functions: names it does not know (``TorchGlobal``) are refused as soon as they appear, and "calling" a known one
/// only notes the tensor that is described. ``PickleLimits`` bounds what a pickle can cost.
struct PickleMachine {
    let path: String
    /// Pickles begin somewhere in here.
    let input: [UInt8]
    /// Where the next operation stands; after ``run()`` the first byte behind the pickle.
    var position: Int
    private(set) var containers: [PickleContainer] = []
    var storages: [TorchStorage] = []
    var tensors: [TorchTensor] = []
    /// In files of PyTorch 0.1: the objects that were described before the pickle, by their number.
    var objects: [Int: PickleValue]?

    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var itemCount = 0

    /// A machine for the pickle at `position` of `input`; errors name `path`.
    init(_ input: [UInt8], at position: Int = 0, path: String) {
        (self.input, self.position, self.path) = (input, position, path)
    }

    /// Runs to the end of the pickle; returns what it leaves on the stack. Throws a `FileError` for everything that
    /// is not a dictionary of tensors or part of one.
    mutating func run() throws(FileError) -> PickleValue {
        while true {
            let code = UInt8(try number(1))
            guard let operation = PickleOperation(rawValue: code) else {
                throw damaged("unknown operation \(shown([code]))")
            }
            if operation == .stop { return try pop() }
            try execute(operation)
        }
    }

    private mutating func execute(_ operation: PickleOperation) throws(FileError) {
        switch operation {
        case .stop: preconditionFailure("run() handles stop")
        case .proto:
            let version = try number(1)
            guard version <= 5 else { throw damaged("protocol \(version), expected at most 5") }
        case .frame:
            let length = try number(8)
            guard length <= input.count - position else {
                throw damaged("a frame of \(length) bytes, \(input.count - position) are left")
            }
        case .mark:
            guard marks.count < PickleLimits.values else { throw tooLarge("open marks") }
            marks.append(stack.count)
        case .pop:
            if stack.count > floor { stack.removeLast() } else { _ = try popToMark() }
        case .popMark: _ = try popToMark()
        case .duplicate: try push(top())
        case .put: try remember(decimal())
        case .binaryPut: try remember(number(1))
        case .longBinaryPut: try remember(number(4))
        case .memoize: try remember(memo.count)
        case .get: try recall(decimal())
        case .binaryGet: try recall(number(1))
        case .longBinaryGet: try recall(number(4))
        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binaryInt1: try push(.int(number(1)))
        case .binaryInt2: try push(.int(number(2)))
        case .binaryInt: try push(.int(Int(Int32(truncatingIfNeeded: number(4)))))
        case .int: try pushDecimalInt()
        case .long: try pushDecimalLong()
        case .long1: try pushLong(length: number(1))
        case .long4: try pushLong(length: number(4))
        case .float:
            let line = try line()
            guard line.count <= 64, let text = String(validating: input[line], as: UTF8.self),
                let value = Double(text)
            else { throw damaged("\(shown(input[line])) is not a number") }
            try push(.real(value))
        case .binaryFloat:
            let bytes = try take(8)
            try push(.real(Double(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })))
        case .string, .unicode: try pushTextLine(isQuoted: operation == .string)
        case .shortBinaryString, .shortBinaryUnicode: try push(.text(take(number(1)).indices))
        case .binaryString, .binaryUnicode: try push(.text(take(number(4)).indices))
        case .binaryUnicode8: try push(.text(take(number(8)).indices))
        case .shortBinaryBytes: try push(.bytes(take(number(1)).indices))
        case .binaryBytes: try push(.bytes(take(number(4)).indices))
        case .binaryBytes8, .byteArray8: try push(.bytes(take(number(8)).indices))
        case .emptyTuple: try pushContainer(.tuple, [])
        case .emptyList: try pushContainer(.list, [])
        case .emptyDictionary: try pushContainer(.dictionary, [])
        case .tuple1: try pushTuple(1)
        case .tuple2: try pushTuple(2)
        case .tuple3: try pushTuple(3)
        case .tuple: try pushContainer(.tuple, popToMark())
        case .list: try pushContainer(.list, popToMark())
        case .dictionary: try pushContainer(.dictionary, popPairs())
        case .append:
            let item = try pop()
            try add([item], to: .list)
        case .appends: try add(popToMark(), to: .list)
        case .setItem:
            let value = try pop()
            let key = try pop()
            try add([key, value], to: .dictionary)
        case .setItems: try add(popPairs(), to: .dictionary)
        case .global:
            let module = try line()
            try pushGlobal(module, line())
        case .stackGlobal:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw damaged("the name of a module or class is not a text")
            }
            try pushGlobal(module, name)
        case .reduce:
            let arguments = try pop()
            try push(call(pop(), arguments))
        case .build: try build()
        case .binaryPersistentID: try push(persistent(pop()))
        case .instance:
            let (module, name) = (try line(), try line())
            throw refused(module, name)
        case .object: throw refusedObject(try popToMark().first)
        case .newObject:
            _ = try pop()
            throw refusedObject(try pop())
        case .newObjectEx:
            _ = try pop()
            _ = try pop()
            throw refusedObject(try pop())
        case .persistentID, .extension1, .extension2, .extension4, .emptySet, .addItems,
            .frozenSet, .nextBuffer, .readOnlyBuffer:
            throw FileError(
                path: path,
                problem: "the pickle uses the operation \(operation), which weight files do not",
                remedy: PickleMachine.remedy)
        }
    }
}

// The stack and the memo.
extension PickleMachine {
    private var floor: Int { marks.last ?? 0 }

    private mutating func push(_ value: PickleValue) throws(FileError) {
        guard stack.count < PickleLimits.values else { throw tooLarge("values on the stack") }
        stack.append(value)
    }

    private func top() throws(FileError) -> PickleValue {
        guard stack.count > floor, let value = stack.last else {
            throw damaged("an operation lacks its operand")
        }
        return value
    }

    private mutating func pop() throws(FileError) -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func popToMark() throws(FileError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw damaged("an operation lacks its mark") }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func remember(_ index: Int) throws(FileError) {
        let value = try top()
        guard memo.count < PickleLimits.values || memo[index] != nil else {
            throw tooLarge("remembered values")
        }
        memo[index] = value
    }

    private mutating func recall(_ index: Int) throws(FileError) {
        guard let value = memo[index] else { throw damaged("value \(index) was not remembered") }
        try push(value)
    }

    /// A new container with `items`.
    mutating func make(
        _ kind: PickleContainer.Kind, _ items: [PickleValue]
    ) throws(FileError) -> PickleValue {
        guard containers.count < PickleLimits.values,
            items.count <= PickleLimits.values - itemCount
        else { throw tooLarge("values in tuples, lists and dictionaries") }
        itemCount += items.count
        containers.append(PickleContainer(kind: kind, items: items))
        return .container(containers.count - 1)
    }

    private mutating func pushContainer(
        _ kind: PickleContainer.Kind, _ items: [PickleValue]
    ) throws(FileError) {
        try push(make(kind, items))
    }

    private mutating func pushTuple(_ count: Int) throws(FileError) {
        guard stack.count - floor >= count else { throw damaged("a tuple lacks its members") }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        try pushContainer(.tuple, items)
    }

    private mutating func popPairs() throws(FileError) -> [PickleValue] {
        let items = try popToMark()
        guard items.count % 2 == 0 else { throw damaged("a key without a value") }
        return items
    }

    private mutating func add(
        _ items: [PickleValue], to kind: PickleContainer.Kind
    ) throws(FileError) {
        guard case .container(let index) = try top(),
            kind == .list ? containers[index].kind == .list : containers[index].isDictionary
        else { throw damaged("\(kind) members for \(try top().kind)") }
        guard items.count <= PickleLimits.values - itemCount else {
            throw tooLarge("values in tuples, lists and dictionaries")
        }
        itemCount += items.count
        containers[index].items += items
    }

    /// Attributes of a dictionary (PyTorch's `_metadata`) are dropped; nothing else may have some.
    private mutating func build() throws(FileError) {
        _ = try pop()
        let target = try top()
        if case .container(let index) = target, containers[index].kind == .orderedDictionary {
            return
        }
        throw damaged("attributes for \(target.kind)")
    }
}

// Reading operands.
extension PickleMachine {
    private mutating func take(_ count: Int) throws(FileError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= input.count - position else {
            throw damaged(
                input.count == PickleLimits.bytes
                    ? "longer than \(PickleLimits.bytes) bytes"
                    : "\(count) bytes are announced, \(input.count - position) are left")
        }
        position += count
        return input[position - count..<position]
    }

    /// A little-endian number without sign.
    private mutating func number(_ size: Int) throws(FileError) -> Int {
        let value = try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let result = Int(exactly: value) else {
            throw damaged("the size \(value) is beyond all files")
        }
        return result
    }

    /// The bytes up to the next line end, which is skipped.
    private mutating func line() throws(FileError) -> Range<Int> {
        guard let end = input[position...].firstIndex(of: 0x0A) else {
            throw damaged("a line without an end")
        }
        defer { position = end + 1 }
        return position..<end
    }

    private mutating func decimal() throws(FileError) -> Int {
        let line = try line()
        guard let value = PickleMachine.decimal(input[line]), value >= 0 else {
            throw damaged("\(shown(input[line])) is not an index")
        }
        return value
    }

    /// The number of a decimal text; `nil` where it is none, or has more than 64 bits.
    static func decimal(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count <= 20, let text = String(validating: bytes, as: UTF8.self) else {
            return nil
        }
        return Int(text)
    }

    private mutating func pushDecimalInt() throws(FileError) {
        let line = try line()
        if input[line].elementsEqual("00".utf8) { return try push(.bool(false)) }
        if input[line].elementsEqual("01".utf8) { return try push(.bool(true)) }
        guard let value = PickleMachine.decimal(input[line]) else {
            throw damaged("\(shown(input[line])) is not a whole number")
        }
        try push(.int(value))
    }

    private mutating func pushDecimalLong() throws(FileError) {
        var line = try line()
        if !line.isEmpty, input[line.upperBound - 1] == UInt8(ascii: "L") {
            line = line.lowerBound..<line.upperBound - 1
        }
        if let value = PickleMachine.decimal(input[line]) { return try push(.int(value)) }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard !line.isEmpty, input[line].allSatisfy(digits.contains) else {
            throw damaged("\(shown(input[line])) is not a whole number")
        }
        try push(.long(line))
    }

    private mutating func pushLong(length: Int) throws(FileError) {
        let bytes = try take(length)
        guard length <= 8 else { return try push(.long(bytes.indices)) }
        // Two's complement: the highest bit of the last byte is the sign.
        let negative = (bytes.last ?? 0) >= 0x80
        let start: UInt64 = negative ? .max : 0
        try push(
            .int(
                Int(
                    truncatingIfNeeded: bytes.reversed().reduce(start) { $0 << 8 | UInt64($1) })))
    }

    private mutating func pushTextLine(isQuoted: Bool) throws(FileError) {
        var line = try line()
        if isQuoted {
            guard line.count >= 2, let quote = input[line].first, quote == input[line].last,
                quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
            else { throw damaged("a text without quotes") }
            line = line.lowerBound + 1..<line.upperBound - 1
        }
        guard input[line].allSatisfy({ $0 < 0x80 && $0 != UInt8(ascii: "\\") }) else {
            throw damaged("the name \(shown(input[line])) is not plain ASCII")
        }
        try push(.text(line))
    }
}

// Names and errors.
extension PickleMachine {
    static let remedy =
        "nothing of it was run; get the weights as safetensors, or as a plain state dict, from a source you trust"

    private mutating func pushGlobal(_ module: Range<Int>, _ name: Range<Int>) throws(FileError) {
        guard module.count + name.count <= PickleLimits.globalName,
            let module = String(validating: input[module], as: UTF8.self),
            let last = String(validating: input[name], as: UTF8.self),
            let global = TorchGlobal.known[module + "." + last]
        else { throw refused(module, name) }
        try push(.global(global))
    }

    private func refused(_ module: Range<Int>, _ name: Range<Int>) -> FileError {
        FileError(
            path: path,
            problem:
                "the pickle asks for \(shown(input[module])).\(shown(input[name])), which is neither a tensor nor a dictionary",
            remedy: PickleMachine.remedy)
    }

    private func refusedObject(_ value: PickleValue?) -> FileError {
        FileError(
            path: path,
            problem: "the pickle makes an object of \(value?.kind ?? "nothing"), expected tensors",
            remedy: PickleMachine.remedy)
    }

    /// The error for a pickle that no writer makes.
    func damaged(_ problem: String) -> FileError {
        FileError(
            path: path, problem: "malformed pickle before byte \(position): \(problem)",
            remedy: "the file is damaged or cut short; fetch it again")
    }

    private func tooLarge(_ what: String) -> FileError {
        FileError(
            path: path, problem: "the pickle has more than \(PickleLimits.values) \(what)",
            remedy: PickleMachine.remedy)
    }
}
