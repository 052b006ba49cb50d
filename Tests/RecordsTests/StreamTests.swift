import Files
import TestSupport
import Testing

@testable import Records

@Suite struct StreamTests {
    /// Files with 13, 7 and 1 rows in three formats, each text a number of its own.
    func threeFiles(_ scratch: Scratch) throws -> String {
        func rows(_ range: Range<Int>, _ row: (Int) -> String) -> String {
            range.map(row).joined(separator: "\n") + "\n"
        }
        _ = try scratch.file("a.jsonl", rows(0..<13) { #"{"text": "\#($0)", "text_pos": "p"}"# })
        _ = try scratch.file("b.csv", "text,text_pos\n" + rows(13..<20) { "\"\($0)\",p" })
        _ = try scratch.file("c.tsv", "text\ttext_pos\n20\tp\n")
        return scratch.path
    }

    func texts(_ records: RecordIterator) throws -> [String] {
        var texts: [String] = []
        while let record = try records.next() { texts.append(record.texts[0]) }
        #expect(try records.next() == nil, "the end stays the end")
        return texts
    }

    func numbers(_ range: Range<Int>) -> [String] { range.map(String.init) }

    @Test func readsWhatADatasetLoads() throws {
        let scratch = try Scratch()
        let stream = try RecordStream(try threeFiles(scratch))
        let data = try Dataset.load(scratch.path)
        #expect(stream.kind == .pair)
        for _ in 0..<2 {
            #expect(try texts(try stream.records(epoch: 0)) == data.records.columns[0])
        }
        #expect(try stream.count() == 21)
        #expect(try stream.fingerprintText() == data.fingerprintText)
        #expect(stream.paths.map(FileBytes.name) == ["a.jsonl", "b.csv", "c.tsv"])
        #expect(
            stream.description.hasPrefix(
                "\(scratch.path)/a.jsonl: JSON lines, text, text_pos -> pairs\n"))
    }

    @Test func theOrderOfAnEpochNeverChanges() throws {
        let scratch = try Scratch()
        let stream = try RecordStream(try threeFiles(scratch)).shuffled(buffer: 4, seed: 42)
        #expect(stream.shuffle == RecordStream.Shuffle(buffer: 4, seed: 42))
        // Made by an independent implementation in Python. These orders are a promise: saved runs
        // rely on them.
        let promised = try JSON(contentsOf: Goldens.folder + "/streams.json").array ?? []
        #expect(promised.count == 12)
        for golden in promised {
            let seed = try #require(golden["seed"]?.string.flatMap { UInt64($0) })
            let epoch = try #require(golden["epoch"]?.int)
            let buffer = try #require(golden["buffer"]?.int)
            let records = try stream.shuffled(buffer: buffer, seed: seed).records(epoch: epoch)
            #expect(
                try texts(records)
                    == golden["order"]?.array?.compactMap { $0.int.map(String.init) },
                "\(seed), \(epoch), \(buffer)")
        }
    }

    @Test(arguments: [nil, 1, 3, 8, 21, 100])
    func skippingGivesWhatWouldHaveFollowed(buffer: Int?) throws {
        let scratch = try Scratch()
        var stream = try RecordStream(try threeFiles(scratch))
        if let buffer { stream = stream.shuffled(buffer: buffer, seed: 7) }
        for epoch in 0..<2 {
            let all = try texts(try stream.records(epoch: epoch))
            #expect(all.sorted() == numbers(0..<21).sorted())
            for skipped in 0...24 {
                let rest = try texts(try stream.records(epoch: epoch, skipping: skipped))
                #expect(rest == Array(all.dropFirst(skipped)), "\(skipped)")
            }
        }
    }

    @Test func epochsAndSeedsDiffer() throws {
        let scratch = try Scratch()
        let stream = try RecordStream(try threeFiles(scratch))
        var orders: Set<[String]> = [numbers(0..<21)]
        for seed in [0, 1] as [UInt64] {
            for epoch in 0..<3 {
                let shuffled = stream.shuffled(buffer: 8, seed: seed)
                orders.insert(try texts(try shuffled.records(epoch: epoch)))
            }
        }
        #expect(orders.count == 7)
        #expect(try texts(try stream.records(epoch: 5)) == numbers(0..<21))
    }

    @Test func aFullBufferPutsEveryRecordEverywhere() throws {
        let scratch = try Scratch()
        let path = try scratch.file(
            "a.tsv", (0..<4).map { "\($0)\tp q\n" }.joined())
        let stream = try RecordStream(path).shuffled(buffer: 4, seed: 3)
        var counts = [[Int]](repeating: [0, 0, 0, 0], count: 4)
        for epoch in 0..<1200 {
            for (place, text) in try texts(try stream.records(epoch: epoch)).enumerated() {
                counts[try #require(Int(text))][place] += 1
            }
        }
        // 300 each, give or take 5 standard deviations.
        for count in counts.joined() { #expect(abs(count - 300) < 75) }
    }

    @Test(arguments: [
        (4, false, [4, 4, 4, 4, 4, 1]), (4, true, [4, 4, 4, 4, 4]), (7, true, [7, 7, 7]),
        (30, false, [21]), (30, true, []), (1, false, Array(repeating: 1, count: 21)),
    ])
    func batches(size: Int, dropLast: Bool, sizes: [Int]) throws {
        let scratch = try Scratch()
        let stream = try RecordStream(try threeFiles(scratch)).shuffled(buffer: 5)
        let all = try texts(try stream.records(epoch: 1))
        for skipped in 0...sizes.count + 1 {
            let batches = try stream.batches(
                epoch: 1, batchSize: size, dropLast: dropLast, skipping: skipped)
            var found: [[String]] = []
            while let batch = try batches.next() {
                #expect(batch.kind == .pair)
                found.append(batch.columns[0])
            }
            #expect(try batches.next() == nil)
            #expect(found.map(\.count) == Array(sizes.dropFirst(skipped)))
            let end = dropLast ? all.count / size * size : all.count
            #expect(Array(found.joined()) == Array(all[..<end].dropFirst(skipped * size)))
        }
    }

    @Test func skippingCountsRecordsNotRows() throws {
        let scratch = try Scratch()
        let lists = try scratch.file(
            "a.jsonl",
            """
            {"query": "a", "pos": ["1", "2"], "k": 1}
            {"query": "b", "pos": ["3"], "k": 2}
            {"query": "c", "pos": ["4", "5", "6"], "k": 1}

            """)
        for (specification, positives) in [
            (lists, ["1", "2", "3", "4", "5", "6"]), (lists + "#k=1", ["1", "2", "4", "5", "6"]),
        ] {
            for stream in [
                try RecordStream(specification),
                try RecordStream(specification).shuffled(buffer: 2, seed: 1),
            ] {
                #expect(try stream.count() == positives.count)
                var all: [String] = []
                for skipped in 0...positives.count {
                    let records = try stream.records(epoch: 0, skipping: skipped)
                    var rest: [String] = []
                    while let record = try records.next() { rest.append(record.texts[1]) }
                    if skipped == 0 { all = rest }
                    #expect(rest == Array(all.dropFirst(skipped)))
                }
                #expect(all.sorted() == positives)
            }
        }
    }

    @Test func everyFormatIsSkippedAsItIsRead() throws {
        let scratch = try Scratch()
        let pair = #"{"text": "a, [{\"", "text_pos": "b"}"#
        let files = [
            ("a.jsonl", "\n" + pair + "\n \t\r\n" + pair + "\r\n" + pair),
            ("a.json", "[" + pair + ",\n" + pair + ", " + pair + "]\n"),
            ("a.csv", "text,text_pos\n\"a,\n\"\"\",b\n\n \nc,d\r\n\"\",e\n"),
            ("a.tsv", "text\ttext_pos\na\tb\n\n  \nc\td\r\ne\tf"),
            ("b.tsv", "a b\tc\nd e\tf\ng h\ti\n"),
        ]
        for (name, text) in files {
            #expect(try RecordStream(try scratch.file(name, text)).count() == 3, "\(name)")
        }
    }

    @Test func aBadRowIsAnErrorWhenItIsRead() throws {
        let scratch = try Scratch()
        let path = try scratch.file(
            "a.tsv", "text\ttext_pos\na\tb\nc\t \nd\te\n")
        let stream = try RecordStream(path)
        #expect(try stream.count() == 3)
        let records = try stream.records(epoch: 0)
        #expect(try records.next() != nil)
        #expect(
            fileError { _ = try records.next() }?.description
                == path + ":3: text_pos is empty or blank; remove the row or give it a text: an "
                + "empty text has no embedding")
        // What is passed over is not checked.
        #expect(try texts(try stream.records(epoch: 0, skipping: 2)) == ["d"])
        #expect(
            fileError { _ = try stream.batches(epoch: 0, batchSize: 3).next() }?.line == 3)
    }

    @Test func filesAreOfOneKind() throws {
        let scratch = try Scratch()
        let a = try scratch.file("a.tsv", "a b\tc\n")
        let b = try scratch.file("b.tsv", "a b\tc\t1\n")
        #expect(
            fileError { _ = try RecordStream(a + "," + b) }?.description
                == b + ": holds scored pairs (sentence1, sentence2, label -> scored pairs), but "
                + a
                + " holds pairs; one data set is of one kind; name only files of that kind")
        // A file that has become another.
        let stream = try RecordStream(a + "," + a).shuffled(buffer: 2)
        _ = try scratch.file("a.tsv", "a b\tc\t1\n")
        #expect(fileError { _ = try stream.records(epoch: 0) }?.path == a)
        try FileBytes.remove(a)
        #expect(fileError { _ = try stream.records(epoch: 0) }?.problem == "no such file or folder")
        #expect(fileError { _ = try RecordStream(a) }?.problem == "no such file or folder")
    }

    @Test func quickFingerprintSeesEnds() throws {
        let scratch = try Scratch()
        // 3 MiB: the middle is not looked at.
        var bytes = Array("text\ttext_pos\n".utf8)
        while bytes.count < 3 << 20 { bytes += Array("a number \(bytes.count)\tb\n".utf8) }
        func print(_ place: Int?) throws -> String {
            var bytes = bytes
            if let place { bytes[place] ^= 1 }
            return try RecordStream(
                try scratch.file("a.tsv", bytes: bytes)
            ).quickFingerprintText()
        }
        let whole = try print(nil)
        #expect(whole.count == 16)
        #expect(try print(nil) == whole)
        let mega = 1 << 20
        for place in [20, mega - 1, bytes.count - mega, bytes.count - 5] {
            #expect(try print(place) != whole, "\(place)")
        }
        for place in [mega, bytes.count - mega - 1] { #expect(try print(place) == whole) }
        let path = try scratch.file("a.tsv", bytes: bytes + Array("c\td\n".utf8))
        let longer = try RecordStream(path).quickFingerprintText()
        #expect(longer != whole)
        let swapped = try RecordStream(path, rename: [("text", "text_pos"), ("text_pos", "text")])
        #expect(try swapped.quickFingerprintText() != longer)
    }
}
