public import ArgumentParser
import Tensors
public import Uniem

extension MixedPrecision: ExpressibleByArgument {}

/// The precision option, spelled as `uniem finetune` does.
struct PrecisionOptions: ParsableArguments {
    @Option(
        name: .customLong("mixed-precision"),
        help: "bf16: factors of matrix products in half precision.")
    var value = MixedPrecision.no
}

extension Tape {
    /// An empty tape whose products have the given precision.
    init(_ mode: Mode, precision: MixedPrecision) {
        self.init(mode, precision: precision.precision)
    }
}
