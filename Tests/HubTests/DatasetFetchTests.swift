import Files
import Hub
import TestSupport
import Testing

@Suite struct DatasetFetchTests {
    let name: HubName
    let hub: TestHub

    init() throws {
        name = try HubName.parse("owner/data")
        hub = try TestHub()
    }

    private func add(_ files: [String: String], at revision: String = "main") {
        hub.add("owner/data", at: revision, kind: "datasets", files.mapValues { .init($0) })
    }

    private func fetch(
        _ configuration: String? = nil, splits: [String]? = nil, in folder: String,
        _ more: [String: String] = [:], _ news: News = News()
    ) throws -> HubDataset {
        let client = Hub(
            environment: hub.environment(folder, more), retry: .never, report: news.add)
        return try client.blocking.dataset(name, configuration: configuration, splits: splits)
    }

    /// `train: content of its files`.
    private func contents(_ dataset: HubDataset) throws -> [String] {
        try dataset.splits.map { split in
            try "\(split.name): "
                + split.files.map { try FileBytes.readText($0) }.joined(separator: "+")
        }
    }

    private let configured = [
        "README.md": """
        ---
        configs:
        - config_name: small
          data_files:
          - split: train
            path: small/train-*.jsonl
          - split: test
            path: small/test.jsonl
        - config_name: large
          data_dir: big
        ---
        """,
        "small/train-0.jsonl": "a", "small/train-1.jsonl": "b", "small/test.jsonl": "c",
        "big/train.csv": "d", "big/dev.csv": "e", "notes.txt": "n", "photo.png": "p",
    ]

    @Test func configurationsOfTheReadme() throws {
        add(configured)
        try withFolder { folder in
            let small = try fetch("small", in: folder)
            #expect(small.configuration == "small" && !small.isConverted)
            #expect(small.splitNames == ["train", "test"])
            #expect(try contents(small) == ["train: a+b", "test: c"])
            #expect(small["train"]?.count == 2 && small["validation"] == nil)
            #expect(small["test"]?[0].hasSuffix("/\(small.commit)/small/test.jsonl") ?? false)
            let large = try fetch("large", splits: ["validation"], in: folder)
            #expect(try contents(large) == ["validation: e"])
            #expect(large.splitNames == ["train", "validation"])
            // Only what is asked for.
            let asked = hub.server.downloads.map {
                $0.path.split(separator: "/").last.map(String.init) ?? ""
            }
            #expect(
                asked.sorted() == [
                    "README.md", "dev.csv", "test.jsonl", "train-0.jsonl", "train-1.jsonl",
                ])

            let several = try hubError { _ = try fetch(in: folder) }
            #expect(several.kind == .configuration && several.description.contains("small, large"))
            let unknown = try hubError { _ = try fetch("tiny", in: folder) }
            #expect(unknown.kind == .configuration && unknown.description.contains("small, large"))
            let split = try hubError { _ = try fetch("small", splits: ["dev"], in: folder) }
            #expect(split.kind == .configuration && split.description.contains("train, test"))
        }
    }

    @Test func theDefaultConfiguration() throws {
        func chosen(_ entries: String) throws -> String? {
            add(["README.md": "---\nconfigs:\n\(entries)---\n", "a.csv": "a", "b.csv": "b"])
            return try withFolder { try fetch(in: $0).configuration }
        }
        let a = "- config_name: a\n  data_files: a.csv\n"
        let b = "- config_name: b\n  data_files: b.csv\n"
        #expect(try chosen(a) == "a")
        #expect(try chosen(a + b + "  default: true\n") == "b")
        #expect(try chosen(a + "- config_name: default\n  data_files: b.csv\n") == "default")
        let none = try hubError { _ = try chosen(a + b) }
        #expect(none.kind == .configuration)
    }

    @Test func namesOfFilesDecideWithoutReadme() throws {
        add(["train.jsonl": "a", "test.jsonl.gz": "b", "x.py": "c"])
        try withFolder { folder in
            let news = News()
            let dataset = try fetch(in: folder, [:], news)
            #expect(dataset.configuration == nil && news.warnings.isEmpty)
            #expect(try contents(dataset) == ["train: a", "test: b"])
            #expect(try fetch("default", in: folder) == dataset)
            let unknown = try hubError { _ = try fetch("x", in: folder) }
            #expect(unknown.kind == .configuration)
        }
    }

    @Test func foldersAreConfigurations() throws {
        add(["en/train.tsv": "a", "en/test.tsv": "b", "fr/train.tsv": "c"])
        try withFolder { folder in
            let english = try contents(try fetch("en", in: folder))
            #expect(english == ["train: a", "test: b"])
            let french = try contents(try fetch("fr", in: folder))
            #expect(french == ["train: c"])
            let all = try contents(try fetch(in: folder))
            #expect(all == ["train: a+c", "test: b"])
        }
    }

    private let scripted = [
        "README.md": "---\nlicense: mit\n---\n", "data.py": "import datasets",
        "STS-B/STS-B.train.data": "a", "STS-B/STS-B.test.data": "b", "BQ/BQ.train.data": "c",
    ]
    private let copy = [
        "STS-B/train/0000.parquet": "P1", "STS-B/train/0001.parquet": "P2",
        "STS-B/test/0000.parquet": "P3", "BQ/partial-train/0000.parquet": "P4",
    ]

    @Test func scriptsAreNotRun() throws {
        add(scripted)
        add(copy, at: "refs/convert/parquet")
        try withFolder { folder in
            let news = News()
            let dataset = try fetch("STS-B", in: folder, [:], news)
            #expect(dataset.isConverted && dataset.configuration == "STS-B")
            #expect(try contents(dataset) == ["train: P1+P2", "test: P3"])
            #expect(dataset.commit == TestHub.commit(copy.mapValues { .init($0) }))
            #expect(news.warnings.isEmpty)
            let part = try fetch("BQ", in: folder, [:], news)
            #expect(try contents(part) == ["train: P4"])
            #expect(news.warnings.count == 1)
            let several = try hubError { _ = try fetch(in: folder) }
            #expect(several.kind == .configuration && several.description.contains("BQ, STS-B"))

            hub.server.forget()
            #expect(try fetch("STS-B", in: folder, ["HF_HUB_OFFLINE": "1"]) == dataset)
            #expect(hub.server.requests.isEmpty)
        }
    }

    @Test func scriptsWithoutCopy() throws {
        add(scripted)
        try withFolder { folder in
            let news = News()
            let dataset = try fetch("STS-B", in: folder, [:], news)
            #expect(!dataset.isConverted && dataset.configuration == "STS-B")
            #expect(try contents(dataset) == ["train: a", "test: b"])
            #expect(news.warnings.count == 1)
            let several = try hubError { _ = try fetch(in: folder) }
            #expect(several.kind == .configuration && several.description.contains("BQ, STS-B"))
            #expect(try fetch("STS-B", in: folder, ["HF_HUB_OFFLINE": "1"]) == dataset)
            let offline = try hubError { _ = try fetch("BQ", in: folder, ["HF_HUB_OFFLINE": "1"]) }
            #expect(offline.kind == .offline)
        }
        add(["README.md": "# x", "data.py": "import datasets"])
        try withFolder { folder in
            let error = try hubError { _ = try fetch(in: folder) }
            #expect(error.kind == .format && error.description.contains("data.py"))
        }
    }

    @Test func nothingThatCanBeRead() throws {
        add(["README.md": "# x", "a.zip": "z"])
        try withFolder { folder in
            let error = try hubError { _ = try fetch(in: folder) }
            #expect(error.kind == .format)
        }
        add([
            "README.md": "---\nconfigs:\n- config_name: a\n  data_files: '*.zip'\n---\n",
            "a.zip": "z",
        ])
        try withFolder { folder in
            let error = try hubError { _ = try fetch(in: folder) }
            #expect(error.kind == .format && error.description.contains("a.zip"))
        }
    }

    @Test(
        arguments: [
            "../../x", "/etc/passwd", "https://example.com/a.csv", "hf://datasets/a/b/c.csv",
            "no.csv",
            "**.csv", "no/*.csv", "zip://a.csv::b.zip",
        ])
    func pathsOfTheReadmeThatLeadNowhere(_ path: String) throws {
        add([
            "README.md": "---\nconfigs:\n- config_name: a\n  data_files: '\(path)'\n---\n",
            "a.csv": "z",
        ])
        try withFolder { folder in
            let error = try hubError { _ = try fetch(in: folder) }
            #expect(error.kind == .format, "\(error)")
        }
    }

    @Test func offline() throws {
        add(configured)
        try withFolder { folder in
            let online = try fetch("small", in: folder)
            hub.server.forget()
            let offline = ["HF_HUB_OFFLINE": "1"]
            #expect(try fetch("small", in: folder, offline) == online)
            // The list of all files is in the cache, so what is missing is known.
            let error = try hubError { _ = try fetch("large", in: folder, offline) }
            #expect(error.kind == .offline && error.description.contains("big/"))
            try FileBytes.remove(online.splits[0].files[1])
            let missing = try hubError { _ = try fetch("small", in: folder, offline) }
            #expect(missing.kind == .offline && missing.description.contains("train-1"))
            #expect(hub.server.requests.isEmpty)
        }
    }

    @Test func withoutListInTheCache() throws {
        add(configured)
        // A mirror that does not tell sizes.
        hub.update {
            $0.change = { request, answer in
                guard request.path.contains("/api/"), var json = try? JSON(parsing: answer.body)
                else { return }
                let siblings = json["siblings"]?.array?.map { entry -> JSON in
                    ["rfilename": entry["rfilename"] ?? .null]
                }
                json.set("siblings", .array(siblings ?? []))
                answer.body = Array(json.text().utf8)
            }
        }
        try withFolder { folder in
            let online = try fetch("small", in: folder)
            #expect(!FileBytes.exists(folder + "/hub/datasets--owner--data/trees"))
            let news = News()
            #expect(try fetch("small", in: folder, ["HF_HUB_OFFLINE": "1"], news) == online)
            #expect(news.warnings.count == 1, "what is not in the cache may be missing")
        }
    }
}
