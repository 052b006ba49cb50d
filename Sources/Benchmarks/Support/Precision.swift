import ArgumentParser
import Tensors

/// The numbers that products are computed with.
enum Precision: String, CaseIterable, ExpressibleByArgument {
    /// float32 throughout.
    case no
}

/// The precision option, spelled as `uniem finetune` does.
struct PrecisionOptions: ParsableArguments {
    @Option(name: .customLong("mixed-precision"), help: "The numbers of products: no (float32).")
    var value = Precision.no
}

extension Tape {
    /// An empty tape whose products have the given precision. The one place that knows what that means.
    init(_ mode: Mode, precision: Precision) {
        switch precision {
        case .no: self.init(mode)
        }
    }
}
