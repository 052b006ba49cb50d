package import Files
package import Tensors

/// Reads typed values from a `config.json`; errors name the file, the key, what was expected and found.
package struct ConfigReader {
    let json: JSON
    let path: String

    /// Reads the values of `json`, which comes from the file at `path`.
    package init(json: JSON, path: String) {
        self.json = json
        self.path = path
    }

    package func int(_ key: String, _ range: ClosedRange<Int>, default fallback: Int? = nil)
        throws(FileError) -> Int
    {
        guard let value = present(key) else { return try required(key, fallback) }
        guard let int = value.int, range.contains(int) else {
            throw error(
                key,
                "expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(value.text())"
            )
        }
        return int
    }

    package func double(
        _ key: String, _ range: ClosedRange<Double>, default fallback: Double? = nil
    ) throws(FileError) -> Double {
        guard let value = present(key) else { return try required(key, fallback) }
        guard let double = value.double, range.contains(double) else {
            throw error(
                key,
                "expected a number from \(range.lowerBound) to \(range.upperBound), found \(value.text())"
            )
        }
        return double
    }

    package func choice<Value>(
        _ key: String, _ choices: KeyValuePairs<String, Value>, default fallback: Value? = nil
    ) throws(FileError) -> Value {
        guard let value = present(key) else { return try required(key, fallback) }
        if let name = value.string, let match = choices.first(where: { $0.key == name }) {
            return match.value
        }
        throw error(
            key,
            "\(value.text()) is not supported (supported: \(choices.map(\.key).joined(separator: ", ")))"
        )
    }

    package func string(_ key: String, default fallback: String) throws(FileError) -> String {
        guard let value = present(key) else { return fallback }
        guard let string = value.string else {
            throw error(key, "expected a string, found \(value.text())")
        }
        return string
    }

    package func bool(_ key: String, default fallback: Bool) throws(FileError) -> Bool {
        guard let value = present(key) else { return fallback }
        guard let bool = value.bool else {
            throw error(key, "expected true or false, found \(value.text())")
        }
        return bool
    }

    /// A rate of dropout.
    package func rate(_ key: String, default fallback: Double) throws(FileError) -> Float {
        Float(try double(key, 0...0.99, default: fallback))
    }

    /// The function of a feed-forward block, by the name in Hugging Face's `ACT2FN`.
    package func activation(_ key: String, default fallback: Activation) throws(FileError)
        -> Activation
    {
        try choice(
            key,
            [
                "gelu": .geluErf, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh,
                "relu": .relu,
            ],
            default: fallback)
    }

    package func check(
        heads: Int, divide width: Int, _ widthKey: String, _ headsKey: String
    ) throws(FileError) {
        guard width % heads == 0 else {
            throw error(headsKey, "\(heads) does not divide \(widthKey) \(width)")
        }
    }

    /// Refuses a key that changes the result unless it has the value that changes nothing.
    package func refuse(_ key: String, unless isHarmless: (JSON) -> Bool) throws(FileError) {
        if let value = present(key), !isHarmless(value) {
            throw error(key, "\(value.text()) changes the model in a way that is not supported")
        }
    }

    private func present(_ key: String) -> JSON? { json[key].flatMap { $0.isNull ? nil : $0 } }

    private func required<Value>(_ key: String, _ fallback: Value?) throws(FileError) -> Value {
        guard let fallback else { throw error(key, "missing") }
        return fallback
    }

    package func error(_ key: String, _ problem: String) -> FileError {
        FileError(
            path: path, problem: "\(key): \(problem)",
            remedy: "check that this is the model's \(path.split(separator: "/").last ?? "file")")
    }
}
