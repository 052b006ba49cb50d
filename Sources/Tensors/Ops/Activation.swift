internal import CKernels

/// The non-linear functions between two linear layers.
public enum Activation: String, Sendable {
    /// x * Phi(x), exactly (Hendrycks and Gimpel 2016, arXiv 1606.08415); Hugging Face's `gelu`.
    case geluErf
    /// The approximation of GELU by tanh; Hugging Face's `gelu_new`.
    case geluTanh
    /// max(x, 0).
    case relu
    /// The hyperbolic tangent.
    case tanh
    /// 1 / (1 + exp(-x)).
    case sigmoid
}

extension Tape {
    /// `activation` of every element of `x`.
    public mutating func activate(_ x: Tensor, _ activation: Activation) -> Tensor {
        let count = Int64(x.shape.count)
        let y = Tensor(uninitialized: x.shape)
        switch activation {
        case .geluErf: k_gelu_erf_forward(y.pointer, x.pointer, count)
        case .geluTanh: k_gelu_tanh_forward(y.pointer, x.pointer, count)
        case .relu: k_relu_forward(y.pointer, x.pointer, count)
        case .tanh: k_tanh_forward(y.pointer, x.pointer, count)
        case .sigmoid: k_sigmoid_forward(y.pointer, x.pointer, count)
        }
        return record(y, from: [x]) { [x = x.constant] dy, sweep in
            let dx = Tensor(uninitialized: dy.shape)
            switch activation {
            case .geluErf: k_gelu_erf_backward(dx.pointer, dy.pointer, x.pointer, count)
            case .geluTanh: k_gelu_tanh_backward(dx.pointer, dy.pointer, x.pointer, count)
            case .relu: k_relu_backward(dx.pointer, dy.pointer, x.pointer, count)
            case .tanh: k_tanh_backward(dx.pointer, dy.pointer, x.pointer, count)
            case .sigmoid: k_sigmoid_backward(dx.pointer, dy.pointer, x.pointer, count)
            }
            sweep.give(dx, to: 0)
        }
    }
}
