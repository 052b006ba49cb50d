import Files
import TestSupport
import Tensors
import Testing

/// Twelve steps of torch.optim.AdamW in uniem's parameter groups, with gradients that are sometimes or never there.
struct AdamWGoldenTests {
    @Test(arguments: GoldenRoot.all) func trajectories(_ root: GoldenRoot) throws {
        let file = try root.tensors("optim/adamw.safetensors")
        let index = try root.json("optim/index.json")
        let runs = try #require(index["runs"]?.array)
        #expect(runs.count == 4)
        var worst: [String: Double] = [:]
        for run in runs { try compare(run, file, root, &worst) }
        print("note: \(root): AdamW, largest differences \(worst.sorted { $0.key < $1.key })")
    }

    private func compare(
        _ run: JSON, _ file: GoldenFile, _ root: GoldenRoot, _ worst: inout [String: Double]
    ) throws {
        let label = try #require(run["name"]?.string)
        let betas = try #require(run["betas"]?.array).compactMap(\.double)
        let rates = try #require(run["lr_per_step"]?.array).compactMap(\.double)
        let epsilon = try #require(run["eps"]?.double)
        var states: [(parameter: Parameter, moments: AdamWMoments, decay: Double)] = []
        for group in try #require(run["groups"]?.array) {
            let decay = try #require(group["weight_decay"]?.double)
            for name in try #require(group["parameters"]?.array).compactMap(\.string) {
                let value = try file.tensor("start/\(name)")
                states.append(
                    (Parameter(name: name, value: value), AdamWMoments(shape: value.shape), decay))
            }
        }
        #expect(states.count == 10 && rates.count == 12)
        var gradients = Gradients(turns: states.count)
        for (step, rate) in rates.enumerated() {
            gradients = Gradients(turns: states.count, reusing: gradients)
            // One tape a parameter, some of which have nothing to add.
            for (turn, state) in states.enumerated() {
                let name = "grad/\(step)/\(state.parameter.name)"
                var tape = Tape(.training(seed: 1))
                let leaf = tape.parameter(state.parameter)
                if file.contains(name) {
                    let seed = try file.tensor(name)
                    tape.backward(from: leaf, seed: seed, into: gradients, turn: turn)
                } else {
                    let nothing = Tensor([0])
                    tape.backward(from: nothing, into: gradients, turn: turn)
                }
            }
            for state in states {
                let settings = AdamWStep(
                    rate: rate, beta1: betas[0], beta2: betas[1], epsilon: epsilon,
                    decay: state.decay, step: step + 1)
                state.moments.pieces(of: state.parameter, gradients, settings)
                    .forEach { $0.run() }
                // float32 may differ by a unit in the last place each step: torch rounds the decay and the step
                // one after the other, a fused multiplication and addition once.
                let unit = 1.2e-7 * Double(step + 1)
                for (type, allowed) in [("f32", unit), ("f64", 1e-6)] {
                    let name = "\(label)/\(type)/\(step)/\(state.parameter.name)"
                    guard file.contains(name) else { continue }
                    let expected = try file.doubles(name)
                    expectClose(
                        state.parameter.value, expected, relative: allowed, absolute: allowed / 2,
                        "\(root): \(name)")
                    for (mine, other) in zip(state.parameter.value.values, expected) {
                        worst[type] = max(worst[type] ?? 0, abs(Double(mine) - other))
                    }
                }
            }
        }
        // Skipped whole: no decay, no step count.
        for state in states {
            switch state.parameter.name {
            case "never.weight":
                #expect(state.moments.steps == 0)
                let start = try file.tensor("start/never.weight")
                #expect(state.parameter.value.bits == start.bits)
            case "sometimes.weight": #expect(state.moments.steps == 8)
            default: #expect(state.moments.steps == 12)
            }
        }
    }
}
