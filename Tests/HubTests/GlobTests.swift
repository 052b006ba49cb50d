import NIOHTTP1
import Testing

@testable import Hub

@Suite struct GlobTests {
    @Test(
        arguments: [
            ("a.csv", "a.csv", true), ("a.csv", "b/a.csv", false), ("*.csv", "a.csv", true),
            ("*.csv", "b/a.csv", false), ("**", "a", true), ("**", "a/b/c", true),
            ("**/*.csv", "a.csv", true), ("**/*.csv", "x/y/a.csv", true),
            ("data/**", "data", false),
            ("data/**", "data/a", true), ("data/**", "data/a/b", true),
            ("data/**/b", "data/b", true),
            ("data/**/b", "data/x/y/b", true), ("data/**/b", "data/x/y/c", false),
            ("data/train-*", "data/train-0.parquet", true), ("data/*/x", "data/a/b/x", false),
            ("?.txt", "é.txt", true), ("?.txt", "ab.txt", false), ("[ab].txt", "b.txt", true),
            ("[!ab].txt", "b.txt", false), ("[!ab].txt", "c.txt", true),
            ("[0-9].txt", "5.txt", true),
            ("[0-9].txt", "x.txt", false), ("[-._ 0-9]x", " x", true), ("[-._ 0-9]x", "-x", true),
            ("[]]x", "]x", true), ("[ab", "[ab", true), ("[a-]x", "-x", true),
            ("[b-a]", "a", false),
            ("*a*a*a", "aaa", true), ("*a*a*a", "aa", false), ("./a.csv", "a.csv", true),
            ("a//b", "a/b", true), ("**/train/**", "train/x", true),
            ("**/train/**", "a/train", false), ("**/train/**", "train", false),
            ("", "a", false), ("*", "a", true), ("*", "a/b", false), ("{a,b}", "a", false),
        ])
    func matches(_ pattern: String, _ path: String, _ expected: Bool) throws {
        let glob = try #require(Glob(pattern))
        #expect(glob.matches(path) == expected, "\(pattern) \(path)")
    }

    @Test func doubleStarsBesideOtherSigns() {
        #expect(Glob("a**") == nil && Glob("**.csv") == nil && Glob("x/**a/y") == nil)
    }

    @Test func longPatternsEnd() throws {
        let stars = String(repeating: "*a", count: 500)
        let glob = try #require(Glob(stars + "b"))
        #expect(!glob.matches(String(repeating: "a", count: 5000)))
        let folders = try #require(Glob(String(repeating: "**/x/", count: 200) + "y"))
        #expect(!folders.matches(String(repeating: "x/", count: 1000) + "z"))
    }
}

@Suite struct SmallPartsTests {
    @Test(
        arguments: [
            ("HTTPS://Hub.Example/a?b#c", "https://hub.example/a?b"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"), ("http://h:80/x", "http://h/x"),
            ("http://[::1]:5/x", "http://[::1]:5/x"), ("http://h?q", "http://h/?q"),
        ])
    func addresses(_ text: String, _ expected: String) throws {
        #expect(try #require(HubURL(text)).text == expected)
    }

    @Test(
        arguments: [
            "", "x", "http:/h", "http://", "ftp://h/", "http://h:0/", "http://h:x/", "http://h:/",
            "http://u@h/", "http://h/a b", "http://h/\u{7f}", "http://é/", "http://[::1/",
            "http://[::1]x/", "http://h\\x/", "http://a b/", "//h/x", "http://h:65536/",
        ])
    func othersAreNone(_ text: String) { #expect(HubURL(text) == nil) }

    @Test(
        arguments: [
            ("/x?y", "http://h:1/x?y"), ("x", "http://h:1/a/x"), ("?q", "http://h:1/a/b?q"),
            ("//g/x", "http://g/x"), ("https://g", "https://g/"), ("mailto:x", nil), ("", nil),
            ("../x", "http://h:1/a/../x"), ("a:b/c", nil), ("./a:b", "http://h:1/a/./a:b"),
        ] as [(String, String?)])
    func redirects(_ location: String, _ expected: String?) throws {
        let url = try #require(HubURL("http://h:1/a/b?c=/d"))
        #expect(url.resolving(location)?.text == expected)
    }

    @Test func secretsAreNotShown() throws {
        #expect("\(try #require(HubURL("http://h/x?Signature=y")))" == "http://h/x")
    }

    @Test(
        arguments: [
            ("Wed, 21 Oct 2026 07:28:00 GMT", 1_792_567_680), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200), ("soon", nil), ("", nil),
            ("Wed, 21 Foo 2026 07:28:00 GMT", nil), ("Wed, 99 Oct 2026 07:28:00 GMT", nil),
        ] as [(String, Int?)])
    func dates(_ text: String, _ expected: Int?) { #expect(RetryAfter.date(text) == expected) }

    @Test func pauses() {
        #expect(RetryAfter.duration([("Retry-After", "7")].headers) == .seconds(7))
        #expect(RetryAfter.duration([("RateLimit", "\"api\";r=0;t=55")].headers) == .seconds(55))
        let date = [("Retry-After", "Thu, 01 Jan 1970 00:01:00 GMT")].headers
        #expect(RetryAfter.duration(date, now: 20) == .seconds(40))
        #expect(RetryAfter.duration(date, now: 200) == .zero)
        #expect(RetryAfter.duration([("Retry-After", "-1")].headers) == nil)
        let error = HubError(.server, "x", problem: "y")
        let pauses = (1...5).map { HubRetry.standard.pause(after: error, failures: $0) }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), nil])
    }

    @Test(
        arguments: [
            ("\"abc\"", "abc"), ("W/\"abc\"", "abc"), ("abc", "abc"),
            ("a-b_c.d+e=f:g", "a-b_c.d+e=f:g"),
            ("\"\"", nil), ("\".a\"", nil), ("a/b", nil), ("W/", nil), ("x.incomplete", nil),
        ] as [(String, String?)])
    func etags(_ text: String, _ expected: String?) {
        #expect(FileMetadata.normalized(etag: text) == expected)
    }
}

extension [(String, String)] {
    fileprivate var headers: HTTPHeaders { HTTPHeaders(self) }
}
