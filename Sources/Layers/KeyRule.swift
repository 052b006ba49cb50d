/// How the names in a checkpoint file become the names of parameters; applied where files are read, nowhere else.
public enum KeyRule: Sendable, Equatable {
    /// Removes a prefix, such as `bert.` of a model saved with a head.
    case dropPrefix(String)
    /// Puts a prefix before every name: a file that holds one part of a model.
    case addPrefix(String)
    /// Replaces the end of a name, such as TensorFlow's `.gamma` by `.weight`.
    case replaceSuffix(String, with: String)
    /// Names with this prefix are parts that an encoder has no use for (heads, buffers): not reported as unused.
    case ignorePrefix(String)
    /// As ``ignorePrefix(_:)``, for the end of a name.
    case ignoreSuffix(String)

    /// The name after all `rules`; `nil` where it is to be ignored.
    public static func apply(_ rules: [KeyRule], to name: String) -> String? {
        var name = name
        for rule in rules {
            switch rule {
            case .dropPrefix(let prefix):
                if name.hasPrefix(prefix) { name.removeFirst(prefix.count) }
            case .addPrefix(let prefix):
                name = prefix + name
            case .replaceSuffix(let old, let new):
                if name.hasSuffix(old) { name = String(name.dropLast(old.count)) + new }
            case .ignorePrefix(let prefix):
                if name.hasPrefix(prefix) { return nil }
            case .ignoreSuffix(let suffix):
                if name.hasSuffix(suffix) { return nil }
            }
        }
        return name
    }
}
