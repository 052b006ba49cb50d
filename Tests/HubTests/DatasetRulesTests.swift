import Testing

@testable import Hub

@Suite struct DatasetRulesTests {
    /// `train: a, b; test: c` for the splits of `paths`.
    private func splits(_ paths: [String], in folder: String = "") -> String? {
        DatasetRules(paths: paths).splits(in: folder)?.map { name, files in
            "\(name): \(DatasetRules.sameKind(files).joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    @Test func oneFileIsTheTrainingData() {
        #expect(splits(["README.md", ".gitattributes", "data.csv"]) == "train: data.csv")
        #expect(splits(["x/a.jsonl", "b.jsonl"]) == "train: b.jsonl, x/a.jsonl")
        #expect(splits(["README.md", "config.json", "script.py", "photo.png"]) == nil)
    }

    @Test func namesOfFiles() {
        #expect(
            splits(["train.csv", "test.csv", "dev.csv", "README.md"])
                == "train: train.csv; validation: dev.csv; test: test.csv")
        #expect(
            splits(["my_train_0.jsonl", "my_train_1.jsonl", "my-val.jsonl", "eval 2.jsonl"])
                == "train: my_train_0.jsonl, my_train_1.jsonl; validation: my-val.jsonl; test: eval 2.jsonl"
        )
        #expect(
            splits(["training.tsv.gz", "testing.tsv.gz"])
                == "train: training.tsv.gz; test: testing.tsv.gz")
        #expect(splits(["contest.csv", "retrain.csv"]) == "train: contest.csv, retrain.csv")
        #expect(
            splits(["data/STS-B.train.data", "data/STS-B.valid.data"])
                == "train: data/STS-B.train.data; validation: data/STS-B.valid.data")
    }

    @Test func namesOfFolders() {
        #expect(
            splits(["data/train/0.csv", "data/train/1.csv", "data/test/0.csv", "train.csv"])
                == "train: data/train/0.csv, data/train/1.csv; test: data/test/0.csv")
        #expect(
            splits(["train-2/x.csv", "my dev/x.csv"])
                == "train: train-2/x.csv; validation: my dev/x.csv")
    }

    @Test func numberedParts() {
        #expect(
            splits([
                "data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet",
                "data/random_split-00000-of-00001-abc.parquet", "data/test-00000-of-00001.parquet",
                "data/other.csv",
            ])
                == "train: data/train-00000-of-00002.parquet, data/train-00001-of-00002.parquet; "
                + "test: data/test-00000-of-00001.parquet; "
                + "random_split: data/random_split-00000-of-00001-abc.parquet"
        )
    }

    @Test func oneKindOfFile() {
        #expect(splits(["a.parquet", "a.csv"]) == "train: a.parquet")
        #expect(splits(["a.csv", "b.csv", "c.parquet"]) == "train: a.csv, b.csv")
        #expect(splits(["a.jsonl", "b.json", "c.txt", "d.tsv"]) == "train: a.jsonl, b.json")
        #expect(splits(["a.tsv", "b.csv"]) == "train: a.tsv, b.csv")
    }

    @Test func hiddenAndSpecialPlaces() {
        #expect(splits([".a.csv", ".x/b.csv", "__pycache__/c.csv", "d.csv"]) == "train: d.csv")
        let rules = DatasetRules(paths: [".x/b.csv", "__y__/c.csv", "d/.e.csv"])
        func found(_ pattern: String) -> [String] {
            Glob(pattern).map { rules.files($0, in: "") } ?? []
        }
        #expect(found(".x/*") == [".x/b.csv"])
        #expect(found("__*/*") == ["__y__/c.csv"])
        #expect(found("*/*.csv") == [])
        #expect(found("d/.*") == ["d/.e.csv"])
    }

    @Test func foldersAsConfigurations() {
        let paths = [
            "BQ/BQ.train.data", "STS-B/STS-B.train.data", "STS-B/STS-B.test.data", "README.md",
            "x.py", "scripts/a.py",
        ]
        #expect(DatasetRules(paths: paths).folders == ["BQ", "STS-B"])
        #expect(
            splits(paths, in: "STS-B")
                == "train: STS-B/STS-B.train.data; test: STS-B/STS-B.test.data")
        #expect(splits(["ab/train.csv"], in: "a") == nil)
    }

    @Test func convertedFiles() {
        let files = ConvertedFiles(paths: [
            ".gitattributes", "b/test/0000.parquet", "b/train/0001.parquet", "b/train/0000.parquet",
            "a/partial-train/0000.parquet", "c/old-validation.parquet",
            "c/old-train-00000-of-00002.parquet", "c/old-train-00001-of-00002.parquet", "x.parquet",
            "d/e/f/g.parquet", "e/bad-name!/0000.parquet",
        ])
        let shown = files.configurations.map { entry in
            "\(entry.name)\(entry.isPartial ? "*" : ""): "
                + entry.splits.map { "\($0.name) \($0.files.count)" }.joined(separator: ", ")
        }
        #expect(shown == ["a*: train 1", "b: train 2, test 1", "c: train 2, validation 1"])
        #expect(
            files.configurations[1].splits[0].files == [
                "b/train/0000.parquet", "b/train/0001.parquet",
            ])
    }
}

@Suite struct DatasetCardTests {
    private func card(_ text: String) throws -> DatasetCard {
        try DatasetCard(readme: Array(text.utf8), of: try HubName.parse("owner/data"))
    }

    private func shown(_ text: String) throws -> [String] {
        try card(text).configurations.map { entry in
            let splits = entry.splits?.map { "\($0.name)=\($0.patterns.joined(separator: "|"))" }
            return entry.name + (entry.isDefault ? "*" : "") + (entry.folder.map { "@\($0)" } ?? "")
                + " " + (splits?.joined(separator: " ") ?? "-")
        }
    }

    @Test func formsOfDataFiles() throws {
        let text = """
            ---
            license: mit
            dataset_info:
            - config_name: a
              features: [x, y]
            configs:
            - config_name: a
              data_files: data.csv
            - config_name: "b c"
              data_files:
              - part0/*
              - 'part1/*'
              default: true
            - config_name: d
              data_files:
                - split: train
                  path: train/*
                - split: my.split_1
                  path: [x/1.csv, "x/2.csv"]
            - {config_name: e, data_dir: folder/e}
            # a comment
            - config_name: 2024
              data_files: null
            tags:
            - configs
            ---
            # Title
            configs: no
            """
        let expected = [
            "a train=data.csv", "b c* train=part0/*|part1/*",
            "d train=train/* my.split_1=x/1.csv|x/2.csv", "e@folder/e -", "2024 -",
        ]
        #expect(try shown(text) == expected)
        let windows = text.split(separator: "\n", omittingEmptySubsequences: false).joined(
            separator: "\r\n")
        #expect(try shown("\u{FEFF}" + windows) == expected)
    }

    @Test func readmesWithoutConfigurations() throws {
        for text in [
            "", "# Title", "---\nlicense: mit\n---\n", "---\nconfigs:\n---\n",
            "---\nconfigs: []\n---",
            "---\nlicense: mit\n", "text\n---\nconfigs:\n- config_name: a\n---\n", "---\n---\n",
            "---\n x: [\nlicense: '\n---\n", "---\nconfigs: null\n---\n",
        ] {
            #expect(try card(text).configurations.isEmpty, "\(text)")
        }
    }

    @Test func theLastOfTwoCounts() throws {
        let text =
            "---\nconfigs:\n- config_name: a\n  data_files: x\n- config_name: a\n  data_files: y\n---\n"
        #expect(try shown(text) == ["a train=y"])
    }

    @Test(
        arguments: [
            "configs: text", "configs: {a: b}", "configs:\n- a", "configs:\n- data_files: x",
            "configs:\n- config_name: a\n  data_files: {train: x}", "configs: [",
            "configs:\n- config_name: a\n  data_files:\n  - split: train",
            "configs:\n- config_name: a\n  data_files:\n  - split: bad-name\n    path: x",
            "configs:\n- config_name: a\n  data_files:\n  - split: a\n    path: x\n  - split: a\n    path: y",
            "configs:\n- config_name: a\n  data_files: []", "configs:\n\t- x: [",
            "configs: &a [*a]",
            "configs:\n- &a {config_name: a}\n- *a", "configs: *x",
        ])
    func headsThatAreNotUnderstood(_ head: String) throws {
        let error = try hubError { _ = try card("---\n\(head)\n---\n") }
        #expect(error.kind == .format && error.place == "owner/data: README.md")
    }

    @Test func headsThatWouldDoHarm() throws {
        let heads = [
            "configs: " + String(repeating: "[", count: 100_000),
            "configs: " + String(repeating: "{a: ", count: 100_000),
            "configs:\n" + (0..<3000).map { String(repeating: " ", count: $0) + "- a:\n" }.joined(),
            "configs: " + String(repeating: "- ", count: 100_000),
            "configs: " + String(repeating: "? ", count: 100_000),
            "configs:\n- config_name: a\n  x: &a [x,x,x,x]\n"
                + (0..<20).map { "  y\($0): &b\($0) [*a,*a,*a,*a]\n" }.joined(),
            "configs: '" + String(repeating: "x", count: 5 << 20) + "'",
        ]
        for head in heads {
            let error = try hubError { _ = try card("---\n\(head)\n---\n") }
            #expect(error.kind == .format, "\(head.prefix(40))")
        }
    }
}
