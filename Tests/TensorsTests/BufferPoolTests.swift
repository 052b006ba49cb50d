import TestSupport
import Testing

@testable import Tensors

struct BufferPoolTests {
    @Test func sizeClasses() {
        var last = 0
        for count in Array(0..<5000) + [65_535, 65_536, 65_537, 1_000_003, 30_522 * 384] {
            let capacity = BufferPool.capacity(for: count)
            #expect(capacity >= max(count, 64))
            #expect(capacity % 16 == 0)
            // An eighth of the power of two below, or 16 numbers, is lost at most.
            #expect(capacity - count <= max(64, count / 8))
            #expect(BufferPool.capacity(for: capacity) == capacity)
            if count < 5000 {
                #expect(capacity >= last)
                last = capacity
            }
        }
        // Eight classes a power of two.
        let classes = Set((1025...2048).map { BufferPool.capacity(for: $0) })
        #expect(classes.count == 8)
    }

    @Test func memoryIsAligned() {
        for count in [1, 63, 65, 1000, 100_000] {
            let address = unsafe UInt(bitPattern: Buffer(count: count).pointer)
            #expect(address % 64 == 0)
        }
    }

    /// In a process of their own, as the counts are those of all threads.
    @Test func dropsAndTakesAgain() async {
        await #expect(processExitsWith: .success) {
            let before = BufferPool.shared.statistics
            var addresses: [UInt] = []
            do {
                let (a, b) = (Buffer(count: 1000), Buffer(count: 1000))
                addresses = unsafe [UInt(bitPattern: a.pointer), UInt(bitPattern: b.pointer)]
                #expect(addresses[0] != addresses[1])
            }
            let dropped = BufferPool.shared.statistics
            #expect(dropped.misses == before.misses + 2)
            #expect(dropped.bytesInUse == before.bytesInUse)
            #expect(dropped.bytesHeld == before.bytesHeld + 2 * 4 * 1024)
            // Another size of the same class finds the memory.
            let (c, d) = (Buffer(count: 970), Buffer(count: 1024))
            #expect(unsafe addresses.contains(UInt(bitPattern: c.pointer)))
            #expect(unsafe addresses.contains(UInt(bitPattern: d.pointer)))
            let used = BufferPool.shared.statistics
            #expect(used.misses == dropped.misses && used.requests == dropped.requests + 2)
            #expect(used.bytesInUse == before.bytesInUse + 2 * 4 * 1024)
            #expect(used.peakBytesInUse >= used.bytesInUse)
            // What is in use stays.
            withExtendedLifetime((c, d)) { BufferPool.shared.trim() }
            let trimmed = BufferPool.shared.statistics
            #expect(trimmed.bytesHeld == trimmed.bytesInUse)
        }
    }

    /// A second forward pass of the same shapes allocates nothing.
    @Test func aSecondPassHasNoMisses() async {
        await #expect(processExitsWith: .success) {
            var random = TestRandom(1)
            let (input, weight) = (random.tensor([90, 16]), random.tensor([16, 16]))
            func pass() {
                var tape = Tape(.inference)
                var y = input
                for _ in 0..<3 {
                    y = tape.activate(tape.linear(y, weight: weight), .geluErf)
                    let offsets = SequenceOffsets(lengths: [20, 70])
                    y = tape.attention(y, y, y, offsets: offsets, heads: 2, scale: 1)
                }
            }
            pass()
            let before = BufferPool.shared.statistics
            pass()
            let after = BufferPool.shared.statistics
            #expect(before.misses > 3 && after.requests >= before.requests + 12)
            #expect(after.misses == before.misses && after.bytesHeld == before.bytesHeld)
        }
    }

    /// After two steps, in the first of which the sums of gradients took memory to keep, a training step allocates
    /// nothing.
    @Test func aThirdStepHasNoMisses() async {
        await #expect(processExitsWith: .success) {
            var random = TestRandom(1)
            let table = Parameter(name: "table", value: random.tensor([50, 16]))
            let weight = Parameter(name: "weight", value: random.tensor([16, 16]))
            let bias = Parameter(name: "bias", value: random.tensor([16]))
            let moments = [table, weight, bias].map { AdamWMoments(shape: $0.shape) }
            let offsets = SequenceOffsets(lengths: [20, 30, 40])
            let rows = RowNumbers((0..<90).map(UInt32.init))
            let ids = random.ids(90, below: 50)
            let settings = AdamWStep(
                rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01, step: 1)
            func step(_ gradients: Gradients) {
                var tape = Tape(.training(seed: 1))
                let (w, b) = (tape.parameter(weight), tape.parameter(bias))
                let x = tape.embed([(tape.parameter(table), ids)])
                var y = tape.attention(
                    x, x, x, offsets: offsets, heads: 2, scale: 1, dropout: 0.1, rows: rows)
                y = tape.activate(tape.linear(y, weight: w, bias: b), .geluErf)
                y = tape.layerNorm(
                    y, residual: x, weight: b, bias: b, epsilon: 1, dropout: 0.1, rows: rows)
                y = tape.pool(y, offsets: offsets, by: .mean)
                let loss = tape.inBatchLoss(y, y, form: .softmax, temperature: 0.1)
                tape.backward(from: loss, into: gradients, turn: 0)
                for (parameter, moments) in zip([table, weight, bias], moments) {
                    moments.pieces(of: parameter, gradients, settings).forEach { $0.run() }
                }
            }
            let first = Gradients(turns: 1)
            step(first)
            let second = Gradients(turns: 1, reusing: first)
            step(second)
            let before = BufferPool.shared.statistics
            let third = Gradients(turns: 1, reusing: second)
            step(third)
            let after = BufferPool.shared.statistics
            #expect(before.misses > 10)
            #expect(after.requests > before.requests + 10)
            #expect(after.misses == before.misses)
            #expect(after.bytesHeld == before.bytesHeld)
            withExtendedLifetime(third) {}
        }
    }
}
