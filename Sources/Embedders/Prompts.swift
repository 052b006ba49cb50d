public import Files

/// Texts that are put before every text, by name: `prompts` and `default_prompt_name` of
/// `config_sentence_transformers.json`.
public struct Prompts: Sendable {
    /// The prompts, in the order of the file.
    public private(set) var texts: [(name: String, text: String)] = []
    /// The one that is used where none is named.
    public private(set) var defaultName: String?
    /// The whole file, whose other keys are kept.
    private var configuration: JSON?

    static let fileName = "config_sentence_transformers.json"

    /// No prompts.
    public init() {}

    /// Prompts by name; `defaultName` is used where none is named.
    ///
    /// Throws a ``FileError`` where there is no prompt of that name.
    public init(_ texts: [(name: String, text: String)], defaultName: String? = nil)
        throws(FileError)
    {
        self.texts = texts
        self.defaultName = defaultName
        if let defaultName { _ = try text(named: defaultName) }
    }

    /// Reads the file of the model in `folder`; no prompts where there is none.
    ///
    /// Throws a ``FileError`` for what is no text, and where the default is not among the prompts.
    init(folder: String) throws(FileError) {
        let path = folder + "/" + Prompts.fileName
        guard FileBytes.exists(path) else { return }
        let json = try JSON(contentsOf: path)
        guard json.members != nil else {
            throw FileError(
                path: path, problem: "expected a JSON object, found \(json.kind)",
                remedy: "fetch the file again")
        }
        configuration = json
        if let value = json["prompts"], !value.isNull {
            guard let members = value.members else {
                throw FileError(
                    path: path, problem: "prompts: expected an object, found \(value.kind)",
                    remedy: "give names and texts")
            }
            for (name, text) in members where !text.isNull {
                guard let text = text.string else {
                    throw FileError(
                        path: path, problem: "prompts.\(name): expected a text, found \(text.kind)",
                        remedy: "give names and texts")
                }
                texts.append((name, text))
            }
        }
        if let value = json["default_prompt_name"], !value.isNull {
            guard let name = value.string, texts.contains(where: { $0.name == name }) else {
                throw FileError(
                    path: path, problem: "default_prompt_name: no prompt \(value.text())",
                    remedy: "the prompts are: \(known)")
            }
            defaultName = name
        }
    }

    /// The prompt that is used where none is named; empty where there is none.
    public var defaultText: String {
        texts.first { $0.name == defaultName }?.text ?? ""
    }

    /// The prompt called `name`; throws a ``FileError`` that lists the names where there is none.
    public func text(named name: String) throws(FileError) -> String {
        guard let prompt = texts.first(where: { $0.name == name }) else {
            throw FileError(
                path: Prompts.fileName, problem: "the model has no prompt named \(name)",
                remedy: "its prompts are: \(known)")
        }
        return prompt.text
    }

    /// These prompts with `text` under `name`, in place of one that has this name; it is used where none is named if
    /// `asDefault`.
    public func adding(name: String, text: String, asDefault: Bool) -> Prompts {
        var result = self
        if let index = texts.firstIndex(where: { $0.name == name }) {
            result.texts[index].text = text
        } else {
            result.texts.append((name, text))
        }
        if asDefault { result.defaultName = name }
        return result
    }

    private var known: String {
        texts.isEmpty ? "(none)" : texts.map(\.name).joined(separator: ", ")
    }

    /// What is written to the file; `nil` where there is nothing to say.
    var json: JSON? {
        guard configuration != nil || !texts.isEmpty else { return nil }
        var json =
            configuration ?? ["model_type": "SentenceTransformer", "similarity_fn_name": "cosine"]
        json.set("prompts", .object(texts.map { (key: $0.name, value: .string($0.text)) }))
        json.set("default_prompt_name", .optional(defaultName))
        return json
    }
}
