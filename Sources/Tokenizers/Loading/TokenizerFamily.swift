/// The families whose tokenizers are known without a `tokenizer.json`, by what their Python classes do.
enum TokenizerFamily: Sendable, CaseIterable {
    case gpt2
    case roberta
    case xlmRoberta
    case t5
    case albert

    /// The class that ``Tokenizer/save(to:)`` names where no file does.
    var className: String { classNames[0] }

    private var classNames: [String] {
        switch self {
        case .gpt2: ["GPT2Tokenizer"]
        case .roberta:
            ["RobertaTokenizer", "BartTokenizer", "LEDTokenizer", "LongformerTokenizer"]
        case .xlmRoberta: ["XLMRobertaTokenizer"]
        case .t5: ["T5Tokenizer", "MT5Tokenizer"]
        case .albert: ["AlbertTokenizer"]
        }
    }

    private var modelTypes: [String] {
        switch self {
        case .gpt2: ["gpt2"]
        case .roberta: ["roberta", "bart", "led", "longformer"]
        case .xlmRoberta: ["xlm-roberta", "xlm-roberta-xl"]
        case .t5: ["t5", "mt5", "umt5"]
        case .albert: ["albert"]
        }
    }

    /// The family of a `tokenizer_class`, with `Fast` or without.
    init?(className: String) {
        guard
            let family = Self.allCases.first(where: { family in
                family.classNames.contains { $0 == className || $0 + "Fast" == className }
            })
        else { return nil }
        self = family
    }

    /// The family of the `model_type` of `config.json`.
    init?(modelType: String) {
        guard let family = Self.allCases.first(where: { $0.modelTypes.contains(modelType) })
        else { return nil }
        self = family
    }

    /// The special tokens by key, as the Python class has them by default.
    var tokens: [(key: String, token: AddedToken)] {
        switch self {
        case .gpt2:
            return ["bos_token", "eos_token", "unk_token"].map {
                ($0, AddedToken(content: "<|endoftext|>", isNormalized: true))
            }
        case .roberta, .xlmRoberta:
            let contents = [
                ("bos_token", "<s>"), ("eos_token", "</s>"), ("sep_token", "</s>"),
                ("cls_token", "<s>"), ("unk_token", "<unk>"), ("pad_token", "<pad>"),
            ]
            return contents.map { ($0.0, AddedToken(content: $0.1)) } + [
                (
                    "mask_token",
                    AddedToken(
                        content: "<mask>", leftStrip: true, isNormalized: self == .xlmRoberta)
                )
            ]
        case .t5:
            return [("eos_token", "</s>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")]
                .map { ($0.0, AddedToken(content: $0.1)) }
        case .albert:
            let contents = [
                ("bos_token", "[CLS]"), ("eos_token", "[SEP]"), ("unk_token", "<unk>"),
                ("sep_token", "[SEP]"), ("pad_token", "<pad>"), ("cls_token", "[CLS]"),
            ]
            return contents.map { ($0.0, AddedToken(content: $0.1)) }
                + [("mask_token", AddedToken(content: "[MASK]", leftStrip: true))]
        }
    }
}
