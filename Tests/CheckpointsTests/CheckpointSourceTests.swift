import Checkpoints
import Files
import Layers
import TestSupport
import Tensors
import Testing

private let rules: [KeyRule] = [
    .dropPrefix("bert."), .replaceSuffix("LayerNorm.gamma", with: "LayerNorm.weight"),
    .replaceSuffix("LayerNorm.beta", with: "LayerNorm.bias"), .ignorePrefix("cls."),
    .ignoreSuffix("position_ids"),
]

extension CheckpointSource {
    fileprivate func values(_ name: String, _ shape: Shape) throws -> [Float]? {
        try value(name: name, shape: shape, initializer: .zeros)?.values
    }
}

@Suite struct KeyRuleTests {
    @Test func rulesInOrder() {
        let cases: [(String, String?)] = [
            ("bert.encoder.weight", "encoder.weight"), ("encoder.weight", "encoder.weight"),
            ("bert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
            ("bert.embeddings.LayerNorm.beta", "embeddings.LayerNorm.bias"),
            ("gamma", "gamma"), ("robert.weight", "robert.weight"), ("cls.predictions.bias", nil),
            ("bert.embeddings.position_ids", nil), ("bert.cls.x", nil), ("bert.", ""), ("", ""),
        ]
        for (name, expected) in cases { #expect(KeyRule.apply(rules, to: name) == expected) }
    }
}

@Suite struct CheckpointSourceTests {
    /// Writes a shard and returns its path.
    private func shard(
        _ tensors: [(name: String, tensor: Tensor)], _ name: String, in folder: String
    ) throws {
        try SafetensorsWriter.write(tensors, to: folder + "/" + name)
    }

    private func index(_ text: String, in folder: String) throws {
        try FileBytes.writeAtomically(text, to: folder + "/model.safetensors.index.json")
    }

    @Test func namesAreMended() throws {
        try withFolder { folder in
            try shard(
                [
                    ("bert.a.LayerNorm.gamma", Tensor([1, 2])), ("bert.b", Tensor([3])),
                    ("c", Tensor([4])), ("cls.head", Tensor([5])),
                ], "model.safetensors", in: folder)
            let source = try CheckpointSource(folder: folder, rules: rules)
            #expect(source.report.unused == ["bert.a.LayerNorm.gamma", "bert.b", "c"])
            #expect(try source.values("a.LayerNorm.weight", [2]) == [1, 2])
            #expect(try source.values("b", [1]) == [3])
            #expect(try source.values("bert.b", [1]) == nil)
            #expect(try source.values("cls.head", [1]) == nil)
            #expect(source.report.unused == ["c"])
            #expect(
                source.report.renamed == [
                    "bert.a.LayerNorm.gamma": "a.LayerNorm.weight", "bert.b": "b",
                ])
        }
    }

    @Test func wrongShape() throws {
        try withFolder { folder in
            try shard(
                [("bert.x", Tensor([1, 2, 3, 4], shape: [2, 2]))], "model.safetensors", in: folder)
            let source = try CheckpointSource(folder: folder, rules: rules)
            for shape in [[4], [2, 3], [2, 2, 1]] as [Shape] {
                let error = try #require(fileError { _ = try source.values("x", shape) })
                #expect(error.path == folder + "/model.safetensors")
                #expect(error.problem.contains("bert.x") && error.problem.contains("[2, 2]"))
                #expect(error.problem.contains(shape.description), "\(error)")
            }
            #expect(source.report.unused == ["bert.x"])
        }
    }

    @Test func wrongType() throws {
        try withFolder { folder in
            let header = #"{"x": {"dtype": "I32", "shape": [1], "data_offsets": [0, 4]}}"#
            let path = folder + "/model.safetensors"
            try FileBytes.writeAtomically(safetensors(header, data: [1, 0, 0, 0]), to: path)
            let source = try CheckpointSource(folder: folder, rules: [])
            let error = try #require(fileError { _ = try source.values("x", [1]) })
            #expect(error.path == path && error.problem.contains("I32"))
        }
    }

    @Test func twoNamesOfOneParameter() throws {
        try withFolder { folder in
            try shard(
                [("bert.x", Tensor([1])), ("x", Tensor([2]))], "model.safetensors", in: folder)
            let error = try #require(
                fileError { _ = try CheckpointSource(folder: folder, rules: rules) })
            #expect(error.path == folder + "/model.safetensors" && error.problem.contains("x"))
        }
    }

    @Test func shards() throws {
        try withFolder { folder in
            try shard([("a", Tensor([1])), ("b", Tensor([2]))], "one.safetensors", in: folder)
            try shard([("c", Tensor([3]))], "two.safetensors", in: folder)
            try index(
                #"{"weight_map": {"a": "one.safetensors", "c": "two.safetensors", "b": "one.safetensors"}}"#,
                in: folder)
            let source = try CheckpointSource(folder: folder, rules: [])
            #expect(try ["a", "b", "c"].map { try source.values($0, [1]) } == [[1], [2], [3]])
            #expect(source.report == LoadReport())
            // A whole file goes before an index.
            try shard([("a", Tensor([9]))], "model.safetensors", in: folder)
            #expect(try CheckpointSource(folder: folder, rules: []).values("a", [1]) == [9])
        }
    }

    @Test func aShardIsMissingOrDamaged() throws {
        try withFolder { folder in
            try shard([("a", Tensor([1]))], "one.safetensors", in: folder)
            try index(
                #"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#, in: folder)
            let missing = try #require(
                fileError { _ = try CheckpointSource(folder: folder, rules: []) })
            #expect(missing.path == folder + "/two.safetensors", "\(missing)")
            try FileBytes.writeAtomically([1, 2, 3], to: folder + "/two.safetensors")
            let damaged = try #require(
                fileError { _ = try CheckpointSource(folder: folder, rules: []) })
            #expect(damaged.path == folder + "/two.safetensors", "\(damaged)")
        }
    }

    @Test func aTensorInTwoShards() throws {
        try withFolder { folder in
            try shard([("a", Tensor([1]))], "one.safetensors", in: folder)
            try shard([("a", Tensor([2])), ("b", Tensor([3]))], "two.safetensors", in: folder)
            try index(
                #"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#, in: folder)
            let error = try #require(
                fileError { _ = try CheckpointSource(folder: folder, rules: []) })
            #expect(error.path == folder + "/two.safetensors")
            #expect(
                error.problem.contains("tensor a")
                    && error.problem.contains(folder + "/one.safetensors"), "\(error)")
        }
    }

    @Test(arguments: [
        "", "{", "[]", "{}", #"{"weight_map": {}}"#, #"{"weight_map": []}"#,
        #"{"weight_map": {"a": 1}}"#, #"{"weight_map": {"a": null}}"#,
        #"{"weight_map": {"a": ""}}"#,
        #"{"weight_map": {"a": "../x"}}"#, #"{"weight_map": {"a": "/etc/passwd"}}"#,
        #"{"weight_map": {"a": "b/c"}}"#,
    ])
    func badIndex(_ text: String) throws {
        try withFolder { folder in
            // There to be found by who follows the path.
            try FileBytes.makeFolder(folder + "/model")
            try shard([("a", Tensor([1]))], "x", in: folder)
            try index(text, in: folder + "/model")
            let error = try #require(
                fileError { _ = try CheckpointSource(folder: folder + "/model", rules: []) })
            #expect(error.path == folder + "/model/model.safetensors.index.json", "\(error)")
        }
    }

    @Test(arguments: [".", ".."])
    func indexThatNamesFolders(_ name: String) throws {
        try withFolder { folder in
            try index("{\"weight_map\": {\"a\": \"\(name)\"}}", in: folder)
            let error = try #require(
                fileError { _ = try CheckpointSource(folder: folder, rules: []) })
            #expect(error.path.hasPrefix(folder), "\(error)")
        }
    }

    @Test func noWeights() throws {
        try withFolder { folder in
            let nothing = try #require(
                fileError { _ = try CheckpointSource(folder: folder, rules: []) })
            #expect(nothing.path == folder && nothing.problem.contains("model.safetensors"))
            for name in ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin"] {
                try FileBytes.writeAtomically([0], to: folder + "/" + name)
                let other = try #require(
                    fileError { _ = try CheckpointSource(folder: folder, rules: []) })
                #expect(other.description.contains(name), "\(other)")
                try FileBytes.remove(folder + "/" + name)
            }
            let missing = try #require(
                fileError { _ = try CheckpointSource(folder: folder + "/no", rules: []) })
            #expect(missing.path == folder + "/no")
        }
    }
}
