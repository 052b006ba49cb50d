import Files
import TestSupport
import Testing

@testable import Tracking

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct TensorBoardFormatTests {
    /// RFC 3720, B.4.
    @Test func checksumsAreThoseOfTheStandard() {
        #expect(CRC32C.checksum([]) == 0)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(CRC32C.checksum(Array((0..<32).reversed())) == 0x113F_DB5C)
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.masked([]) == 0xA282_EAD8)
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
            #expect(CRC32C.masked(bytes) == TensorBoardFile.maskedChecksum(bytes[...]))
        }
    }

    @Test func numbersTakeTheirWireForm() {
        var writer = ProtobufWriter()
        writer.int(1, 150)
        writer.int(2, 0)
        writer.int(3, -1)
        #expect(
            writer.bytes
                == [0x08, 0x96, 0x01, 0x18] + [UInt8](repeating: 0xFF, count: 9) + [0x01])
        writer = ProtobufWriter()
        writer.double(1, 0)
        writer.double(2, -0.0)
        writer.string(3, "")
        writer.bytes(4, [])
        #expect(writer.bytes == [0x11, 0, 0, 0, 0, 0, 0, 0, 0x80])
        writer = ProtobufWriter()
        writer.doubleChoice(1, 1)
        writer.floatChoice(2, 0)
        writer.boolChoice(3, false)
        writer.stringChoice(4, "")
        writer.string(16, "é")
        #expect(
            writer.bytes == [
                0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x15, 0, 0, 0, 0, 0x18, 0, 0x22, 0, 0x82, 0x01,
                2, 0xC3, 0xA9,
            ])
    }

    @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, 70_000])
    func messagesOfAnyLengthNest(length: Int) throws {
        let text = String(repeating: "x", count: length)
        var writer = ProtobufWriter()
        writer.message(1) { outer in
            outer.int(1, 7)
            outer.message(2) { $0.stringChoice(3, text) }
            outer.int(4, 8)
        }
        writer.int(5, 9)
        let message = try ProtobufMessage(writer.bytes[...])
        let outer = try #require(try message.message(1))
        #expect(outer.int(1) == 7)
        #expect(try outer.message(2)?.text(3) == text)
        #expect(outer.int(4) == 8)
        #expect(message.int(5) == 9)
    }

    /// The file below was written with Google's protobuf classes and TensorBoard's own record writer.
    @Test func aWholeFileIsThatOfTheReferenceByteForByte() throws {
        let golden = try #require(
            Data(base64Encoded: goldenFile.filter { !$0.isWhitespace }).map { [UInt8]($0) })
        let bytes = try withFolder { folder in
            let tracker = TensorBoardTracker(
                folder: folder, origin: TensorBoardTracker.Origin(host: "host", pid: 42),
                now: { 1_700_000_000.25 })
            try tracker.track(
                .started(
                    RunInfo(
                        id: "r", name: "n", directory: "Runs/r", model: "m", dataset: "d",
                        recordKind: "pair", strategy: "full", loss: "softmax", trainRows: 32,
                        batchSize: 16, learningRate: 1e-4, seed: 42, epochs: 1, stepsPerEpoch: 2,
                        totalSteps: 2, parameters: 10, trainableParameters: 10, threads: 2,
                        configuration: ["shuffle": true], environment: ["swift": "6.3"])))
            let path = try #require(tracker.path)
            #expect(FileBytes.name(of: path) == "events.out.tfevents.1700000000.host.42.0")
            try tracker.track(
                .step(
                    StepMetrics(
                        step: 1, epoch: 1, loss: 0.5, meanLoss: 0, learningRate: 1e-4,
                        gradientNorm: 1.5, rows: 16, tokens: 300, truncatedTexts: 1, seconds: 0.5)))
            try tracker.track(
                .step(
                    StepMetrics(
                        step: 2, epoch: 1, loss: .infinity, meanLoss: -0.25, learningRate: 5e-5,
                        rows: 16, tokens: 300, seconds: 0)))
            try tracker.track(.finished(status: .finished, seconds: 1, message: ""))
            try tracker.finish()
            return try FileBytes.read(path)
        }
        #expect(bytes.count == golden.count)
        #expect(bytes == golden)
    }

    @Test func markdownShowsAnythingLetterByLetter() {
        let table = MarkdownText.table(
            ("a", "b"),
            [
                ("x_y", "1|2"), ("t", "a`b"), ("u", "`"), ("v", "``a"), ("w", ""),
                ("l", "1\n2\t\u{1}"),
            ])
        #expect(
            table == """
                | a | b |
                |---|---|
                | `x_y` | `1|2` |
                | `t` | ``a`b`` |
                | `u` | `` ` `` |
                | `v` | ``` ``a ``` |
                | `w` |  |
                | `l` | `1\\n2\\t\\u0001` |

                """)
        #expect(MarkdownText.block(["a", "b"]) == "```\na\nb\n```")
        #expect(MarkdownText.block(["```"]) == "````\n```\n````")
    }

    private let goldenFile = """
        JwAAAAAAAAC74bFGCQAAEED8VNlBGg1icmFpbi5FdmVudDoyUg0KC3N3aWZ0LXVuaWVta24ipQ0AAAAAAAAAPDe4NAkAABBA
        /FTZQToCCAGMjlTN3gEAAAAAAADdaDYPCQAAEED8VNlBKtIDCs8DChxfaHBhcmFtc18vc2Vzc2lvbl9zdGFydF9pbmZvQgYI
        ARICEgBKpgMKoQMKB2hwYXJhbXMSlQMakgMKDAoFbW9kZWwSAxoBbQoOCgdkYXRhc2V0EgMaAWQKFQoLcmVjb3JkX2tpbmQS
        BhoEcGFpcgoSCghzdHJhdGVneRIGGgRmdWxsChEKBGxvc3MSCRoHc29mdG1heAoXCgpiYXRjaF9zaXplEgkRAAAAAAAAMEAK
        GgoNbGVhcm5pbmdfcmF0ZRIJES1DHOviNho/ChMKBmVwb2NocxIJEQAAAAAAAPA/ChEKBHNlZWQSCREAAAAAAABFQAoYCgt0
        b3RhbF9zdGVwcxIJEQAAAAAAAABAChcKCnRyYWluX3Jvd3MSCREAAAAAAABAQAocCg92YWxpZGF0aW9uX3Jvd3MSCREAAAAA
        AAAAAAoWCgl0ZXN0X3Jvd3MSCREAAAAAAAAAAAoXCgpwYXJhbWV0ZXJzEgkRAAAAAAAAJEAKFgoJdHJhaW5hYmxlEgkRAAAA
        AAAAJEAKFAoHdGhyZWFkcxIJEQAAAAAAAABACg8KBmRldmljZRIFGgNjcHUKDQoHc2h1ZmZsZRICIAEpAAAQQPxU2UEgAiOC
        vge8AgAAAAAAANfvS9IJAAAQQPxU2UEqsAUKrQUKDWNvbmZpZ3VyYXRpb25CzQQIBxIAQsYEfCBzZXR0aW5nIHwgdmFsdWUg
        fAp8LS0tfC0tLXwKfCBgc2h1ZmZsZWAgfCBgdHJ1ZWAgfAp8IGBydW4uaWRgIHwgYHJgIHwKfCBgcnVuLm5hbWVgIHwgYG5g
        IHwKfCBgcnVuLmRpcmVjdG9yeWAgfCBgUnVucy9yYCB8CnwgYHJ1bi5tb2RlbGAgfCBgbWAgfAp8IGBydW4uZGF0YXNldGAg
        fCBgZGAgfAp8IGBydW4ucmVjb3JkX2tpbmRgIHwgYHBhaXJgIHwKfCBgcnVuLnN0cmF0ZWd5YCB8IGBmdWxsYCB8CnwgYHJ1
        bi5sb3NzYCB8IGBzb2Z0bWF4YCB8CnwgYHJ1bi5iYXRjaF9zaXplYCB8IGAxNmAgfAp8IGBydW4ubGVhcm5pbmdfcmF0ZWAg
        fCBgMC4wMDAxYCB8CnwgYHJ1bi5lcG9jaHNgIHwgYDFgIHwKfCBgcnVuLnNlZWRgIHwgYDQyYCB8CnwgYHJ1bi50b3RhbF9z
        dGVwc2AgfCBgMmAgfAp8IGBydW4udHJhaW5fcm93c2AgfCBgMzJgIHwKfCBgcnVuLnZhbGlkYXRpb25fcm93c2AgfCBgMGAg
        fAp8IGBydW4udGVzdF9yb3dzYCB8IGAwYCB8CnwgYHJ1bi5wYXJhbWV0ZXJzYCB8IGAxMGAgfAp8IGBydW4udHJhaW5hYmxl
        YCB8IGAxMGAgfAp8IGBydW4udGhyZWFkc2AgfCBgMmAgfAp8IGBydW4uZGV2aWNlYCB8IGBjcHVgIHwKSkwKBgoEdGV4dBpA
        VGhlIGNvbmZpZ3VyYXRpb24gb2YgdGhlIHJ1biwgYW5kIHdoYXQgd2FzIHNldHRsZWQgYXQgaXRzIHN0YXJ0LiACupwR83oA
        AAAAAAAAE4mGeAkAABBA/FTZQSpvCm0KC2Vudmlyb25tZW50QjwIBxIAQjZ8IGVudmlyb25tZW50IHwgdmFsdWUgfAp8LS0t
        fC0tLXwKfCBgc3dpZnRgIHwgYDYuM2AgfApKIAoGCgR0ZXh0GhRXaGF0IHRoZSBydW4gcmFuIG9uLiACBcl93mcAAAAAAAAA
        uq3N1AkAABBA/FTZQSpcCloKCG1lc3NhZ2VzQiUIBxIAQh9gYGAKU3RhcnRlZDogMiBzdGVwcyBpbiBhbGwKYGBgSicKBgoE
        dGV4dBobV2hhdCB0aGUgcnVuIHNhaWQsIGJ5IHN0ZXAuIAKPjY73pAIAAAAAAAA9c5fXCQAAEED8VNlBEAEqlgUKPwoKdHJh
        aW4vbG9zcxUAAAA/SiwKCQoHc2NhbGFycxodVGhlIGxvc3Mgb2YgdGhlIHN0ZXAncyBiYXRjaC4gAQpJCg90cmFpbi9tZWFu
        X2xvc3MVAAAAAEoxCgkKB3NjYWxhcnMaIlRoZSBtZWFuIGxvc3Mgb2YgdGhlIGVwb2NoIHNvIGZhci4gAQpJChN0cmFpbi9s
        ZWFybmluZ19yYXRlFRe30ThKLQoJCgdzY2FsYXJzGh5UaGUgbGVhcm5pbmcgcmF0ZSBvZiB0aGUgc3RlcC4gAQpXCg90cmFp
        bi9ncmFkX25vcm0VAADAP0o/CgkKB3NjYWxhcnMaMFRoZSBMMiBub3JtIG92ZXIgYWxsIGdyYWRpZW50cywgYmVmb3JlIGNs
        aXBwaW5nLiABClEKDHRyYWluL3Rva2VucxUAAJZDSjwKCQoHc2NhbGFycxotVG9rZW5zIGluIHRoZSBzdGVwJ3MgYmF0Y2gs
        IGFmdGVyIHRydW5jYXRpb24uIAEKYQoXdHJhaW4vdG9rZW5zX3Blcl9zZWNvbmQVAAAWREpBCgkKB3NjYWxhcnMaMlRva2Vu
        cyBvZiB0aGUgc3RlcCdzIGJhdGNoIGJ5IHRoZSBzZWNvbmRzIGl0IHRvb2suIAEKawoVdHJhaW4vdHJ1bmNhdGVkX3RleHRz
        FQAAgD9KTQoJCgdzY2FsYXJzGj5UZXh0cyBvZiB0aGUgc3RlcCdzIGJhdGNoIHRoYXQgd2VyZSBjdXQgdG8gdGhlIG1heGlt
        dW0gbGVuZ3RoLiABCkEKC3RyYWluL2Vwb2NoFQAAgD9KLQoJCgdzY2FsYXJzGh5UaGUgZXBvY2ggb2YgdGhlIHN0ZXAsIGZy
        b20gMS4gAShRTgacAAAAAAAAAMupXfoJAAAQQPxU2UEQAiqOAQoRCgp0cmFpbi9sb3NzFQAAgH8KFgoPdHJhaW4vbWVhbl9s
        b3NzFQAAgL4KGgoTdHJhaW4vbGVhcm5pbmdfcmF0ZRUXt1E4ChMKDHRyYWluL3Rva2VucxUAAJZDChwKFXRyYWluL3RydW5j
        YXRlZF90ZXh0cxUAAAAAChIKC3RyYWluL2Vwb2NoFQAAgD8IhbEmUQAAAAAAAACcodm8CQAAEED8VNlBEAIqRApCChpfaHBh
        cmFtc18vc2Vzc2lvbl9lbmRfaW5mb0IGCAESAhIAShwKGAoHaHBhcmFtcxINIgsIAREAABBA/FTZQSAC/VWEmm8AAAAAAAAA
        bDGB3gkAABBA/FTZQRACKmIKYAoIbWVzc2FnZXNCKwgHEgBCJWBgYApUcmFpbmluZyBmaW5pc2hlZCBhZnRlciAwMDowMQpg
        YGBKJwoGCgR0ZXh0GhtXaGF0IHRoZSBydW4gc2FpZCwgYnkgc3RlcC4gApWhcYM=
        """
}
