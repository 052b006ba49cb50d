internal import NIOHTTP1

/// How often and how patiently requests are tried again.
public struct HubRetry: Sendable, Equatable {
    /// The tries of a request that fails, or of a file that gets no further.
    public var attempts: Int
    /// The pause after the first failure; each later one is twice as long.
    public var firstPause: Duration
    /// The longest pause of our own choice.
    public var longestPause: Duration
    /// The longest pause that the hub may ask for; a longer one is an error.
    public var longestWait: Duration

    /// Five tries, pauses of 1, 2, 4 and 8 seconds, at most five minutes where the hub asks for a pause.
    public static let standard = HubRetry(
        attempts: 5, firstPause: .seconds(1), longestPause: .seconds(8), longestWait: .seconds(300))

    /// One try.
    public static let never = HubRetry(
        attempts: 1, firstPause: .zero, longestPause: .zero, longestWait: .zero)

    /// Sets all of them.
    public init(
        attempts: Int, firstPause: Duration, longestPause: Duration, longestWait: Duration
    ) {
        precondition(attempts >= 1, "HubRetry: \(attempts) attempts")
        self.attempts = attempts
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.longestWait = longestWait
    }

    /// The pause after `error`, the `failures`-th in a row; `nil` where trying again is of no use.
    func pause(after error: HubError, failures: Int) -> Duration? {
        guard error.isTransient, failures < attempts else { return nil }
        if let asked = error.retryAfter {
            return asked <= longestWait ? max(asked, .zero) : nil
        }
        let pause = firstPause * (1 << min(failures - 1, 16))
        return min(pause, longestPause)
    }
}

/// The pause that an answer asks for.
enum RetryAfter {
    /// Reads `Retry-After` (seconds or a date), else the `t=` of `RateLimit`.
    static func duration(_ headers: HTTPHeaders, now: Int = epochSeconds()) -> Duration? {
        if let text = headers.first(name: "Retry-After") {
            if let seconds = whole(text.utf8) { return .seconds(seconds) }
            if let date = date(text) { return .seconds(max(0, min(date - now, 1_000_000_000))) }
        }
        if let text = headers.first(name: "RateLimit") {
            for part in text.utf8.split(separator: UInt8(ascii: ";")) {
                let word = part.drop { $0 == UInt8(ascii: " ") }
                if word.starts(with: "t=".utf8), let seconds = whole(word.dropFirst(2)) {
                    return .seconds(seconds)
                }
            }
        }
        return nil
    }

    private static func whole(_ bytes: some Collection<UInt8>) -> Int? {
        guard (1...9).contains(bytes.count),
            bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// Seconds since 1970 of a date as `Wed, 21 Oct 2026 07:28:00 GMT`.
    static func date(_ text: String) -> Int? {
        let parts = text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ":") }
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        guard parts.count == 8, let day = whole(parts[1]), let year = whole(parts[3]),
            let month = months.firstIndex(where: { $0.utf8.elementsEqual(parts[2]) }),
            let hour = whole(parts[4]), let minute = whole(parts[5]), let second = whole(parts[6]),
            (1...31).contains(day), (1970...9999).contains(year), hour < 24, minute < 60,
            second < 61
        else { return nil }
        // Days since 1970-03-01 are counted in years that begin in March, so that leap days stand at the end.
        let marchYear = month < 2 ? year - 1 : year
        let marchMonth = (month + 10) % 12
        let days =
            365 * marchYear + marchYear / 4 - marchYear / 100 + marchYear / 400
            + (153 * marchMonth + 2) / 5 + day - 1 - 719_468
        return ((days * 24 + hour) * 60 + minute) * 60 + second
    }
}
