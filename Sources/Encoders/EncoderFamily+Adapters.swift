extension EncoderFamily {
    /// The linear layers that usually get a low-rank adapter: those of queries and values, as PEFT's
    /// `TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING` has them for the families that it lists.
    public var usualAdapterTargets: [String] {
        switch self {
        case .bert, .roberta, .xlmRoberta, .ernie, .albert: ["query", "value"]
        case .distilbert: ["q_lin", "v_lin"]
        case .mpnet, .t5, .mt5: ["q", "v"]
        case .gpt2: ["c_attn"]
        case .modernBERT: ["Wqkv"]
        case .qwen3: ["q_proj", "v_proj"]
        }
    }
}
