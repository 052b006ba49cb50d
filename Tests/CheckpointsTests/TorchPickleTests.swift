import Files
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

private typealias P = PickleWriter

/// Pickles that want to run something, or to cost too much.
struct TorchPickleTests {
    @Test func honestPickle() throws {
        let tensor = P.tensor([2, 2], [1, 2])
        let file = try openTorch(ZipWriter(pickle: P.member(tensor)).file)
        #expect(try file.tensor(named: "w")?.values == [1, 3, 2, 4])
        // Python 2: an ordered dictionary with its members as lists, names as byte strings.
        let old =
            [0x80, 2] + P.global("collections", "OrderedDict")
            + P.tuple([P.raw("](](U\u{1}w") + P.tensor([4], [1]) + P.raw("ee")]) + P.raw("R.")
        #expect(
            try openTorch(ZipWriter(pickle: old).file).tensor(named: "w")?.values == [1, 2, 3, 4])
        // Attributes of the dictionary are dropped.
        let attributes =
            [0x80, 2] + P.global("collections", "OrderedDict") + P.raw(")R}") + P.text("_metadata")
            + P.raw("}sb.")
        #expect(try openTorch(ZipWriter(pickle: attributes).file).entries.isEmpty)
    }

    /// Each way of a pickle to name or make something; the error must tell the full name.
    static let code: [(name: String, pickle: [UInt8])] = {
        let command = P.text("touch /tmp/owned")
        let call = P.tuple([command]) + P.raw("R")
        let stack = P.text("os") + P.text("system") + [0x93]
        return [
            ("os.system", [0x80, 2] + P.global("os", "system") + call + P.raw(".")),
            ("posix.system", P.member(P.global("posix", "system") + call)),
            ("os.system", P.member(stack + call)),
            ("os.system", P.member(P.raw("(ios\nsystem\n"))),
            ("os.system", P.member(P.raw("(") + P.global("os", "system") + command + P.raw("o"))),
            ("os.system", P.member(P.global("os", "system") + P.tuple([command]) + [0x81])),
            ("builtins.eval", P.member(P.global("builtins", "eval") + call)),
            ("__builtin__.eval", P.member(P.global("__builtin__", "eval") + call)),
            ("builtins.getattr", P.member(P.global("builtins", "getattr") + call)),
            ("builtins.exec", P.member(P.raw("}") + P.text("a") + P.global("builtins", "exec"))),
            (
                "subprocess.Popen",
                P.member(P.raw("}(") + P.text("deep") + P.tuple([P.global("subprocess", "Popen")]))
            ),
            // Named, remembered and fetched again, or dropped at once: naming is enough.
            ("nt.system", P.member(P.global("nt", "system") + P.raw("q\u{5}0h\u{5}") + call)),
            ("os.popen", P.member(P.global("os", "popen") + P.raw("0N"))),
            ("torch.load", P.member(P.global("torch", "load"))),
            (
                "torch._utils._rebuild_tensor_v2.__globals__",
                P.member(P.text("torch._utils") + P.text("_rebuild_tensor_v2.__globals__") + [0x93])
            ),
            (
                "torch.storage._load_from_bytes",
                P.member(P.global("torch.storage", "_load_from_bytes"))
            ),
            ("_codecs.encode", P.member(P.global("_codecs", "encode"))),
            ("numpy.core.multiarray.scalar", P.member(P.global("numpy.core.multiarray", "scalar"))),
            ("os.\\x1b[31m", P.member(P.global("os", "\u{1B}[31m"))),
            // Known names in the wrong place.
            ("torch.FloatStorage", P.member(P.global("torch", "FloatStorage") + P.raw(")R"))),
            ("torch.Size", P.member(P.global("torch", "Size") + P.raw(")") + [0x81])),
            ("torch.Size", P.member(P.global("torch", "Size") + P.raw(")}") + [0x92])),
            ("torch.Size", P.member(P.raw("(") + P.global("torch", "Size") + P.raw("o"))),
            ("calls a text", P.member(command + P.raw(")R"))),
            ("calls a tensor", P.member(P.tensor([4], [1]) + P.raw(")R"))),
            ("attributes", P.member(P.tensor([4], [1]) + P.raw("}b"))),
            ("attributes", P.member(P.raw("}}b"))),
            ("persistentID", P.member(P.raw("Pos.system\n"))),
            ("extension1", P.member([0x82, 1])),
            ("emptySet", P.member([0x8F])),
            ("nextBuffer", P.member([0x97])),
        ]
    }()

    @Test(arguments: code.indices)
    func nothingIsRun(_ index: Int) throws {
        let (name, pickle) = TorchPickleTests.code[index]
        let error = try #require(refusal(pickle))
        #expect(error.contains(name), "\(error)")
        // The same in the older form, in the place of the state dict and in the place of the magic number.
        let legacy = legacyHeader + pickle
        #expect(try #require(refusal(file: legacy)).contains(name))
        #expect(try #require(refusal(file: pickle)).contains(name))
    }

    private let legacyHeader: [UInt8] =
        [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        + [0x80, 2, UInt8(ascii: "M"), 0xE9, 3, 0x2E, 0x80, 2] + P.raw("}.")

    /// Pickles that no writer makes.
    static let malformed: [(what: String, word: String, pickle: [UInt8])] = [
        ("empty", "1 bytes are announced, 0 are left", []),
        ("no end", "1 bytes are announced, 0 are left", [0x80, 2]),
        ("protocol", "protocol 9, expected at most 5", [0x80, 9] + P.raw("N.")),
        ("nothing on the stack", "an operation lacks its operand", [0x80, 2] + P.raw(".")),
        ("unknown operation", "unknown operation \\xff", [0x80, 2, 0xFF]),
        ("LONG1 cut short", "200 bytes are announced, 3 are left", P.member([0x8A, 200, 1])),
        (
            "LONG4 of 2 GiB", "2147483647 bytes are announced, 2 are left",
            P.member([0x8B, 0xFF, 0xFF, 0xFF, 0x7F])
        ),
        (
            "LONG4 below zero", "2147483648 bytes are announced, 2 are left",
            P.member([0x8B, 0, 0, 0, 0x80])
        ),
        (
            "text of 4 GiB", "4294967295 bytes are announced, 2 are left",
            P.member(P.raw("X") + [0xFF, 0xFF, 0xFF, 0xFF])
        ),
        (
            "text of 2^63", "the size 9223372036854775808 is beyond all",
            P.member([0x8D] + littleEndian(.min, 8))
        ),
        (
            "text of 2^64 - 1", "the size 18446744073709551615 is beyond al",
            P.member([0x8D] + littleEndian(-1, 8))
        ),
        (
            "bytes of 2^62", "4611686018427387904 bytes are announced, 2",
            P.member([0x8E] + littleEndian(1 << 62, 8))
        ),
        (
            "bytearray of 2^62", "4611686018427387904 bytes are announced, 2",
            P.member([0x96] + littleEndian(1 << 62, 8))
        ),
        (
            "frame beyond the end", "a frame of 1099511627776 bytes, 2 are left",
            [0x80, 4, 0x95] + littleEndian(1 << 40, 8) + P.raw("}.")
        ),
        (
            "frame of 2^63", "the size 9223372036854775808 is beyond all",
            [0x80, 4, 0x95] + littleEndian(.min, 8) + P.raw("}.")
        ),
        ("GET of nothing", "value 7 was not remembered", P.member(P.raw("h\u{7}"))),
        ("GET text", "-1 is not an index", P.member(P.raw("g-1\n"))),
        ("PUT of nothing", "an operation lacks its operand", [0x80, 2] + P.raw("q\u{1}N.")),
        ("PUT text", "-1 is not an index", P.member(P.raw("Np-1\n"))),
        (
            "PUT 10^30", "1000000000000000000000000000000 is not an ",
            P.member(P.raw("Np1" + String(repeating: "0", count: 30) + "\n"))
        ),
        ("MEMOIZE of nothing", "an operation lacks its operand", [0x80, 4, 0x94]),
        ("TUPLE without mark", "an operation lacks its mark", [0x80, 2] + P.raw("t.")),
        ("TUPLE3 of two", "a tuple lacks its members", [0x80, 2] + P.raw("NN") + [0x87]),
        (
            "below the mark", "an operation lacks its operand",
            [0x80, 2] + P.raw("}(") + P.raw("s.")
        ),
        ("SETITEMS odd", "a key without a value", [0x80, 2] + P.raw("}(Nu.")),
        (
            "SETITEMS on a list", "dictionary members for a tuple, list or di",
            [0x80, 2] + P.raw("](NNu.")
        ),
        ("APPEND to a number", "list members for a whole number", [0x80, 2] + P.raw("K\u{1}Na.")),
        (
            "APPENDS to a tuple", "list members for a tuple, list or dictiona",
            [0x80, 2] + P.raw(")(Ne.")
        ),
        ("DICT odd", "a key without a value", [0x80, 2] + P.raw("(Nd.")),
        ("REDUCE of nothing", "an operation lacks its operand", [0x80, 2] + P.raw("R")),
        (
            "STACK_GLOBAL of numbers", "the name of a module or class is not a tex",
            P.member(P.raw("NN") + [0x93])
        ),
        ("GLOBAL without lines", "a line without an end", [0x80, 2] + P.raw("cos")),
        ("INT not a number", "x is not a whole number", P.member(P.raw("Ix\n"))),
        ("LONG not a number", "--1 is not a whole number", P.member(P.raw("L--1L\n"))),
        ("FLOAT not a number", "x is not a number", P.member(P.raw("Fx\n"))),
        (
            "INT of 40 digits", "9999999999999999999999999999999999999999 i",
            P.member(P.raw("I" + String(repeating: "9", count: 40) + "\n"))
        ),
        ("STRING without quotes", "a text without quotes", P.member(P.raw("Sx\n"))),
        ("STRING escaped", "the name \\x00 is not plain ASCII", P.member(P.raw("S'\\x00'\n"))),
        (
            "BINPERSID of a number", "a reference to a storage: expected a tuple",
            P.member(P.raw("K\u{1}Q"))
        ),
        ("BINPERSID of ()", "a reference of 0 parts to a storage, expec", P.member(P.raw(")Q"))),
        (
            "BINPERSID of numbers", "a reference of 5 parts to a storage, expec",
            P.member(P.tuple((0..<5).map(P.int)) + P.raw("Q"))
        ),
        ("BINPERSID itself", "a reference of 1 parts", P.member(P.raw("]q\u{1}h\u{1}aQ"))),
        (
            "a module", "the pickle holds a module, expected storag",
            P.member(P.tuple([P.text("module")] + (0..<4).map(P.int)) + P.raw("Q"))
        ),
        (
            "storage of another type", "a storage whose type is the name torch.Siz",
            P.member(P.storage(type: P.global("torch", "Size")))
        ),
        ("storage of -1", "the size of a storage is -1", P.member(P.storage(count: -1))),
        ("storage alone", "w is a storage, expected a tensor", P.member(P.storage())),
        (
            "storage that is not there", "m/data/1 is missing in the archive",
            P.member(P.tensor([4], [1], storage: P.storage("1")))
        ),
        (
            "storage elsewhere", "m/data/../data.pkl is missing in the archi",
            P.member(P.tensor([4], [1], storage: P.storage("../data.pkl")))
        ),
        (
            "storage too large", "m/data/0 has 16 bytes, expected 20",
            P.member(P.tensor([4], [1], storage: P.storage(count: 5)))
        ),
        (
            "storage too small", "m/data/0 has 16 bytes, expected 12",
            P.member(P.tensor([3], [1], storage: P.storage(count: 3)))
        ),
        (
            "storage of 2^62", "a storage of 4611686018427387904 elements",
            P.member(P.tensor([4], [1], storage: P.storage(count: 1 << 62)))
        ),
        (
            "tensor beyond its storage", "a tensor [5] with strides [1] from 0 on le",
            P.member(P.tensor([5], [1]))
        ),
        (
            "tensor stepping out", "a tensor [2, 2] with strides [3, 1] from 0",
            P.member(P.tensor([2, 2], [3, 1]))
        ),
        (
            "offset beyond", "a tensor [1] with strides [1] from 4 on le",
            P.member(P.tensor([1], [1], offset: 4))
        ),
        (
            "offset of an empty one", "a tensor [0] with strides [1] from 5 on le",
            P.member(P.tensor([0], [1], offset: 5))
        ),
        (
            "offset below zero", "the offset of a tensor is -1",
            P.member(P.tensor([1], [1], offset: -1))
        ),
        ("size below zero", "the size of a tensor is -1", P.member(P.tensor([-1], [1]))),
        ("stride below zero", "the stride of a tensor is -1", P.member(P.tensor([2], [-1]))),
        (
            "sizes overflow", "a tensor [1099511627776, 1099511627776] wi",
            P.member(P.tensor([1 << 40, 1 << 40], [0, 0]))
        ),
        (
            "sizes overflow, then 0", "a tensor [4611686018427387904, 4, 0] with ",
            P.member(P.tensor([1 << 62, 4, 0], [0, 0, 0]))
        ),
        (
            "strides overflow", "a tensor [3, 3] with strides [922337203685",
            P.member(P.tensor([3, 3], [.max, .max]))
        ),
        (
            "expanded to 2^40", "a tensor [1099511627776] repeats the 4 ele",
            P.member(P.tensor([1 << 40], [0]))
        ),
        (
            "rank 33", "a tensor of 33 sizes and 33 strides",
            P.member(P.tensor(Array(repeating: 1, count: 33), Array(repeating: 1, count: 33)))
        ),
        ("ranks differ", "a tensor of 1 sizes and 2 strides", P.member(P.tensor([4], [1, 1]))),
        (
            "size is a text", "a tensor made of a tuple, list or dictiona",
            P.member(P.tensor([4], [1], storage: P.tuple([P.text("storage")])))
        ),
        (
            "name is a number", "a name in the state dict is no proper text",
            [0x80, 2] + P.raw("}(K\u{1}") + P.tensor([4], [1]) + P.raw("u.")
        ),
        (
            "name is not UTF-8", "a name in the state dict is no proper text",
            [0x80, 2] + P.raw("}(U\u{1}").dropLast(0) + [0xFF] + P.tensor([4], [1]) + P.raw("u.")
        ),
        (
            "a name twice", "tensor w is listed twice",
            P.dictionary([("w", P.tensor([4], [1])), ("w", P.tensor([2], [1]))])
        ),
        ("a value is none", "w is None, expected a tensor", P.member(P.raw("N"))),
        (
            "the value is a tensor", "expected a dictionary of tensors, found a ",
            [0x80, 2] + P.tensor([4], [1]) + P.raw(".")
        ),
        (
            "a dictionary in itself", "w is a tuple, list or dictionary, expected",
            [0x80, 2] + P.raw("}q\u{1}") + P.text("w") + P.raw("h\u{1}s.")
        ),
        (
            "a list in itself", "expected a dictionary of tensors, found a ",
            [0x80, 2] + P.raw("]q\u{1}h\u{1}a.")
        ),
        (
            "sizes of themselves", "the size of a tensor: expected a whole num",
            P.member(
                P.global("torch._utils", "_rebuild_tensor_v2")
                    + P.tuple([
                        P.storage(), P.int(0), P.raw("]q\u{1}h\u{1}a"), P.raw("h\u{1}"), P.raw("N"),
                        P.raw("N"),
                    ])
                    + P.raw("R"))
        ),
    ]

    @Test(arguments: malformed.indices)
    func malformedPickles(_ index: Int) {
        let (what, word, pickle) = TorchPickleTests.malformed[index]
        let error = refusal(pickle)
        #expect(error?.contains(word) == true, "\(what): \(error ?? "")")
        #expect(refusal(file: legacyHeader + pickle) != nil, "\(what), legacy")
    }

    /// Pickles that grow, or that are deep: each must end soon, in little memory.
    @Test(.timeLimit(.minutes(5))) func bombs() {
        func many(_ byte: UInt8) -> [UInt8] {
            [UInt8](repeating: byte, count: PickleLimits.values + 2)
        }
        func isTooMuch(_ pickle: [UInt8], _ word: String = "more than") {
            #expect(refusal(pickle)?.contains(word) == true, "\(pickle.prefix(8))")
        }
        let mark = UInt8(ascii: "(")
        isTooMuch([0x80, 2] + many(mark))
        isTooMuch([0x80, 2] + many(UInt8(ascii: "N")))
        isTooMuch([0x80, 2] + P.raw("N") + many(UInt8(ascii: "2")))
        isTooMuch([0x80, 2] + many(UInt8(ascii: "]")))
        isTooMuch([0x80, 4] + P.raw("N") + many(0x94))
        // A tuple in a tuple in a tuple ...
        isTooMuch([0x80, 2] + P.raw(")") + many(0x85))
        isTooMuch(
            [0x80, 2] + many(mark).dropLast(3) + many(UInt8(ascii: "t")).dropLast(3)
                + P.raw("."),
            "expected a dictionary")
        // One tensor again and again.
        let tensor = P.tensor([4], [1]).dropLast() + [0x94]
        let again = P.global("torch._utils", "_rebuild_tensor_v2") + [0x94]
        isTooMuch(
            [0x80, 4] + tensor + again
                + (0...PickleLimits.tensors).flatMap { _ in P.raw("h\u{1}h\u{0}R0") })
        // A billion laughs: each list holds the one before it ten times.
        var laughs: [UInt8] = [0x80, 4] + P.raw("]") + [0x94]
        for level in 0..<200 {
            laughs +=
                P.raw("](")
                + Array(repeating: P.raw("h") + [UInt8(level)], count: 10).flatMap(\.self)
            laughs += P.raw("e") + [0x94]
        }
        isTooMuch(laughs + P.raw("."), "expected a dictionary")
        isTooMuch(P.member(laughs.dropFirst(2) + []), "expected a tensor")
        // Longer than any pickle may be.
        isTooMuch([UInt8](repeating: 0x30, count: 17 << 20), "expected at most")
    }

    @Test func expandedTensorsAreBounded() throws {
        let most = PickleLimits.repeatedElements + 4
        #expect(throws: Never.self) {
            try openTorch(ZipWriter(pickle: P.member(P.tensor([most], [0]))).file)
        }
        #expect(refusal(P.member(P.tensor([most + 1], [0]))) != nil)
        let file = try openTorch(
            ZipWriter(pickle: P.member(P.tensor([2, 3], [0, 1], offset: 1))).file)
        #expect(try file.tensor(named: "w")?.values == [2, 3, 4, 2, 3, 4])
    }
}
