public import Tensors

/// Whether matrix products have factors of half precision, by the names of Hugging Face's accelerate.
///
/// Weights, gradients, the optimizer, sums, norms, softmax and losses are float32 in any case (Micikevicius et al. 2017,
/// arXiv 1710.03740; Kalamkar et al. 2019, arXiv 1905.12322). bfloat16 has the range of float32, so losses need no scale.
public enum MixedPrecision: String, Sendable, CaseIterable {
    /// float32 throughout.
    case no
    /// Factors of matrix products are rounded to bfloat16.
    case bf16

    /// The factors of matrix products.
    public var precision: Precision {
        switch self {
        case .no: .float32
        case .bf16: .bfloat16
        }
    }
}
