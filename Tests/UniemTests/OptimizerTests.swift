import Files
import Layers
import TestSupport
import Tensors
import Testing
import Uniem

@Suite struct OptimizerTests {
    /// torch.optim.AdamW in the parameter groups that uniem makes, over twelve steps.
    @Test(arguments: GoldenRoot.all) func asTorchSteps(_ root: GoldenRoot) throws {
        let file = try root.tensors("optim/adamw.safetensors")
        let pool = WorkerPool(threads: 2)
        defer { pool.close() }
        for run in try #require(root.json("optim/index.json")["runs"]?.array) {
            let store = ParameterStore()
            let groups = try #require(run["groups"]?.array)
            let decaying = Set(
                groups.flatMap { group -> [String] in
                    guard group["weight_decay"]?.double != 0 else { return [] }
                    return (group["parameters"]?.array ?? []).compactMap(\.string)
                })
            for name in groups.flatMap({ ($0["parameters"]?.array ?? []).compactMap(\.string) }) {
                store.add(Parameter(name: name, value: try file.tensor("start/\(name)")))
            }
            var settings = AdamW.Settings(weightDecay: try #require(run["weight_decay"]?.double))
            settings.noDecayKeywords = ["bias", "LayerNorm", "layernorm"]
            #expect(settings.weightDecay == 0 || decaying.count == 6)
            let optimizer = AdamW(store, settings: settings)
            let rates = try #require(run["lr_per_step"]?.array).compactMap(\.double)
            let label = try #require(run["name"]?.string)
            for (step, rate) in rates.enumerated() {
                optimizer.step(try gradients(store, file, step), rate: rate, pool: pool)
                for parameter in store.parameters {
                    let name = "\(label)/f64/\(step)/\(parameter.name)"
                    guard file.contains(name) else { continue }
                    expectClose(
                        parameter.value, try file.doubles(name), relative: 1e-6, absolute: 5e-7,
                        name)
                }
            }
            #expect(rates.count == 12)
            try checkState(optimizer, store)
        }
    }

    private func gradients(
        _ store: ParameterStore, _ file: GoldenFile, _ step: Int
    ) throws -> Gradients {
        let gradients = Gradients(turns: store.parameters.count)
        for (turn, parameter) in store.parameters.enumerated() {
            let name = "grad/\(step)/\(parameter.name)"
            var tape = Tape(.training(seed: 1))
            let leaf = tape.parameter(parameter)
            if file.contains(name) {
                tape.backward(
                    from: leaf, seed: try file.tensor(name), into: gradients, turn: turn)
            } else {
                let nothing = Tensor([0])
                tape.backward(from: nothing, into: gradients, turn: turn)
            }
        }
        return gradients
    }

    /// Moments of those that ever had a gradient, and their own counts of steps.
    private func checkState(_ optimizer: AdamW, _ store: ParameterStore) throws {
        let state = Dictionary(uniqueKeysWithValues: optimizer.state.map { ($0.name, $0.tensor) })
        #expect(state.count == 3 * (store.parameters.count - 1))
        #expect(state["never.weight.exp_avg"] == nil)
        #expect(state["sometimes.weight.step"]?.scalar == 8)
        #expect(state["encoder.dense.weight.step"]?.scalar == 12)
        let never = try #require(store["never.weight"]).shape.count
        #expect(optimizer.stateBytes == 8 * (store.count - never))
        // A new optimizer goes on from there.
        let next = AdamW(store, settings: optimizer.settings)
        #expect(next.stateBytes == 0)
        try next.restore { state[$0] }
        #expect(next.state.map(\.name) == optimizer.state.map(\.name))
        #expect(zip(next.state, optimizer.state).allSatisfy { $0.tensor.bits == $1.tensor.bits })
    }

    @Test func whoDecays() {
        #expect(AdamW.Settings().weightDecay == 1e-3)
        func decays(_ name: String) -> Bool {
            let store = ParameterStore()
            let parameter = Parameter(name: name, value: Tensor([1, 1]))
            store.add(parameter)
            let pool = WorkerPool(threads: 1)
            defer { pool.close() }
            let gradients = Gradients(turns: 1)
            var tape = Tape(.training(seed: 1))
            let leaf = tape.parameter(parameter)
            tape.backward(from: leaf, seed: Tensor([0, 0]), into: gradients, turn: 0)
            AdamW(store, settings: .init(weightDecay: 0.5)).step(gradients, rate: 0.5, pool: pool)
            return parameter.value.values != [1, 1]
        }
        for name in ["a.bias", "a.LayerNorm.weight", "x.layer_norm.weight", "h.0.ln_1.weight"] {
            #expect(!decays(name), "\(name)")
        }
        for name in ["a.dense.weight", "embeddings.word_embeddings.weight", "layer.weight"] {
            #expect(decays(name), "\(name)")
        }
    }

    @Test func frozenParametersAreNoneOfItsBusiness() {
        let store = ParameterStore()
        let (a, b) = (
            Parameter(name: "a.weight", value: Tensor([1, 2])),
            Parameter(name: "b.weight", value: Tensor([3]))
        )
        store.add(a)
        store.add(b)
        a.isFrozen = true
        let pool = WorkerPool(threads: 1)
        defer { pool.close() }
        let optimizer = AdamW(store)
        let gradients = Gradients(turns: 1)
        var tape = Tape(.training(seed: 1))
        let leaf = tape.parameter(b)
        tape.backward(from: leaf, seed: Tensor([1]), into: gradients, turn: 0)
        optimizer.step(gradients, rate: 0.1, pool: pool)
        #expect(a.value.values == [1, 2] && b.value.values[0] < 3)
        #expect(optimizer.stateBytes == 8)
    }
}

@Suite struct ScheduleTests {
    @Test(arguments: GoldenRoot.all) func asTransformers(_ root: GoldenRoot) throws {
        let schedules = try #require(root.json("optim/schedules.json")["schedules"]?.array)
        #expect(schedules.count >= 8)
        for item in schedules {
            let (warmup, total) = (
                try #require(item["num_warmup_steps"]?.int),
                try #require(item["num_training_steps"]?.int)
            )
            let expected = try #require(item["multiplier_per_step"]?.array).compactMap(\.double)
            let schedule = Schedule.cosine(warmup: warmup, total: total)
            // To the last few bits of a double: libraries differ in cos.
            expectClose(
                expected.indices.map { schedule.factor(step: $0) }, expected, relative: 1e-14,
                absolute: 1e-15, "\(warmup) of \(total)")
        }
    }

    @Test func shape() {
        #expect((0..<5).allSatisfy { Schedule.constant().factor(step: $0) == 1 })
        let schedule = Schedule.cosine(warmup: 4, total: 20)
        let factors = (0...20).map { schedule.factor(step: $0) }
        #expect(factors[0] == 0 && factors[4] == 1 && abs(factors[20]) < 1e-15)
        #expect((0..<4).allSatisfy { factors[$0] < factors[$0 + 1] })
        #expect((4..<20).allSatisfy { factors[$0] > factors[$0 + 1] })
    }

    @Test func suggestedRates() {
        for (parameters, rate) in [
            (0, 1e-4), (80_000_000, 1e-4), (80_000_001, 5e-5), (200_000_000, 5e-5),
            (200_000_001, 8e-6), (Int.max, 8e-6),
        ] { #expect(suggestedLearningRate(trainableParameters: parameters) == rate) }
    }
}
