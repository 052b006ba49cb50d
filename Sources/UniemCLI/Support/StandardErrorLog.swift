import Logging

/// Writes log lines for people: level, message, and what belongs to it.
struct StandardErrorLog: LogHandler {
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]
    private let sink: @Sendable (String) -> Void

    /// Writes to `sink`, which gets whole lines with their endings.
    init(sink: @escaping @Sendable (String) -> Void) { self.sink = sink }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let facts = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        sink("\(event.level): \(event.message)\(facts)\n")
    }
}
