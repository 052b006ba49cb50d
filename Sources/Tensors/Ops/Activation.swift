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
        switch activation {
        case .geluErf: return gelu(x, k_gelu_erf)
        case .geluTanh: return gelu(x, k_gelu_tanh)
        case .relu: return activate(x, k_relu_forward, k_relu_backward)
        case .tanh: return activate(x, k_tanh_forward, k_tanh_backward)
        case .sigmoid: return activate(x, k_sigmoid_forward, k_sigmoid_backward)
        }
    }

    /// A function and what takes its gradient from results to inputs, over n elements.
    private mutating func activate(
        _ x: Tensor,
        _ forward: (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int64) -> Void,
        _ backward:
            @escaping (
                UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int64
            ) -> Void
    ) -> Tensor {
        let y = Tensor(uninitialized: x.shape)
        forward(y.pointer, x.pointer, Int64(x.shape.count))
        return record(y, from: [x]) { [x = x.constant] dy, sweep in
            let dx = Tensor(uninitialized: dy.shape)
            backward(dx.pointer, dy.pointer, x.pointer, Int64(dy.shape.count))
            sweep.give(dx, to: 0)
        }
    }

    /// GELU shares its exponential with its derivative, which is kept in place of `x`.
    private mutating func gelu(
        _ x: Tensor,
        _ forward: (
            UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int64
        ) -> Void
    ) -> Tensor {
        let y = Tensor(uninitialized: x.shape)
        let slope = wantsGradient(x) ? Tensor(uninitialized: x.shape) : nil
        forward(y.pointer, slope?.pointer, x.pointer, Int64(x.shape.count))
        return record(y, from: [x]) { dy, sweep in
            guard let slope else { return }
            let dx = Tensor(uninitialized: dy.shape)
            k_multiply(dx.pointer, dy.pointer, slope.pointer, Int64(dy.shape.count))
            sweep.give(dx, to: 0)
        }
    }
}
