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
            // Of small ones an eighth of the power of two below, of others 16 numbers are lost at most.
            #expect(capacity - count <= (count > 2048 ? 15 : max(64, count / 8)))
            #expect(BufferPool.capacity(for: capacity) == capacity)
            if count < 5000 {
                #expect(capacity >= last)
                last = capacity
            }
        }
        // Eight classes a power of two, of small ones.
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
            #expect(trimmed.bytesHeld - trimmed.bytesInUse < 3 * PageMemory.size)
        }
    }

    /// Two threads take and give buffers of all sizes, of three kinds: none lies in another or loses what is in it, those
    /// that are said to be zero are, and in the end all memory goes back.
    @Test func buffersNeverOverlap() {
        let pool = BufferPool()
        let workers = WorkerPool(threads: 2)
        defer { workers.close() }
        workers.run(2) { worker in
            var random = TestRandom(UInt64(worker))
            var taken: [(grant: BufferPool.Grant, mark: Float)] = []
            for step in 0..<6000 {
                let size = Float(1 << Int(random.uniform(0...16.9))) * random.uniform(1...2)
                // More is taken than given for a while, then the other way round.
                if random.uniform(0...1) < (step / 1000 % 2 == 0 ? 0.55 : 0.45) {
                    let use: BufferPool.Use =
                        step % 7 == 0 ? .staying : step % 11 == 0 ? .sparse : .passing
                    let grant = pool.take(Int(size), for: use)
                    let numbers = unsafe UnsafeMutableBufferPointer(
                        start: grant.pointer, count: grant.capacity)
                    let isClaimed = grant.isZero || use == .sparse && size > 2048
                    #expect(unsafe !isClaimed || numbers.allSatisfy { $0 == 0 })
                    let mark = Float(2 * step + worker)
                    unsafe numbers.update(repeating: mark)
                    taken.append((grant, mark))
                    #expect(grant.capacity == BufferPool.capacity(for: Int(size)))
                } else if !taken.isEmpty {
                    let place = Int(random.uniform(0...0.999) * Float(taken.count))
                    let (grant, mark) = taken.remove(at: place)
                    #expect(unsafe grant.pointer[0] == mark)
                    #expect(unsafe grant.pointer[grant.capacity - 1] == mark)
                    pool.give(grant)
                }
                if step % 1500 == 1400 { pool.trim() }
                if step % 100 == 0 {
                    let ranges = taken.map { taken in
                        let start = unsafe UInt(bitPattern: taken.grant.pointer)
                        return start..<start + 4 * UInt(taken.grant.capacity)
                    }.sorted { $0.lowerBound < $1.lowerBound }
                    #expect(zip(ranges, ranges.dropFirst()).allSatisfy { !$0.overlaps($1) })
                    #expect(ranges.allSatisfy { $0.lowerBound % 64 == 0 })
                }
            }
            taken.forEach { pool.give($0.grant) }
        }
        let end = pool.statistics
        #expect(end.bytesInUse == 0 && end.requests > 5000 && end.misses < end.requests)
        // All neighbours have become one, so that no page is in part in use.
        pool.trim()
        #expect(pool.statistics.bytesHeld == 0)
    }

    /// Ragged batches, 2,000 of them, by two threads: what is held stays near what is in use, and the system is hardly
    /// asked again.
    @Test func raggedBatchesHoldLittle() {
        let pool = BufferPool()
        var random = TestRandom(7)
        /// The buffers of a chunk of so many tokens, those of each layer kept or not for the way back.
        func chunk(_ tokens: Int) -> [(count: Int, isKept: Bool)] {
            (0..<3).flatMap { _ in
                [96, 96, 96, 96, 96, 384, 384, 96].map { ($0 * tokens, true) }
                    + [(2 * tokens, true), (tokens * 40, false), (96 * tokens, false)]
            }
        }
        var warm = BufferPool.Statistics()
        for step in 0..<2000 {
            if step == 200 { warm = pool.statistics }
            var lives = (0..<4).map { _ in
                (buffers: chunk(Int(random.uniform(60...120))), grants: [BufferPool.Grant]())
            }
            // Two chunks at a time, in an order that is never the same.
            func pairs(_ body: (Int) -> Bool) {
                for first in stride(from: 0, to: lives.count, by: 2) {
                    var running = [first, first + 1]
                    while !running.isEmpty {
                        let place = random.next() >> 40 % 2 == 0 ? 0 : running.count - 1
                        if !body(running[place]) { running.remove(at: place) }
                    }
                }
            }
            var passed = lives.map { _ in 0 }
            pairs { chunk in
                guard passed[chunk] < lives[chunk].buffers.count else { return false }
                let buffer = lives[chunk].buffers[passed[chunk]]
                passed[chunk] += 1
                let grant = pool.take(buffer.count)
                if buffer.isKept { lives[chunk].grants.append(grant) } else { pool.give(grant) }
                return true
            }
            pairs { chunk in
                guard let grant = lives[chunk].grants.popLast() else { return false }
                let gradient = pool.take(grant.capacity - 7)
                pool.give(grant)
                pool.give(gradient)
                return true
            }
        }
        let end = pool.statistics
        #expect(end.bytesInUse == 0)
        // Up to a part of a page at the end.
        #expect(end.bytesHeld - PageMemory.size < end.peakBytesInUse / 100 * 103, "\(end)")
        #expect(end.misses < warm.misses + 100, "\(warm) \(end)")
    }

    /// The smallest block that serves is taken, the lowest of equals; neighbours become one again.
    @Test func bestFit() {
        var heap = BlockHeap()
        let sizes = [3, 1, 2, 1, 3, 1, 8].map { $0 << 16 }
        let blocks = sizes.map { heap.take($0) }
        #expect(heap.bytesHeld == PageMemory.size)
        for index in [0, 2, 4] { heap.give(blocks[index].block) }
        let two = heap.take(2 << 16)
        let three = heap.take(5 << 15)
        #expect(two.address == blocks[2].address && three.address == blocks[0].address)
        heap.give(blocks[1].block)
        // What is left of the first block and the second.
        let joined = heap.take(3 << 15)
        #expect(joined.address == three.address + 5 << 15)
        #expect(![two, three, joined].contains { $0.isNew })
        [two, three, joined, blocks[3], blocks[5], blocks[6]].forEach { heap.give($0.block) }
        let all = heap.take(PageMemory.size)
        #expect(!all.isNew && all.address == blocks[0].address)
        // It grows at its end, by what is missing.
        let more = heap.take(64)
        #expect(more.isNew && more.address == all.address + UInt(PageMemory.size))
        heap.give(all.block)
        let larger = heap.take(2 * PageMemory.size)
        #expect(larger.isNew && larger.address == more.address + 64)
        #expect(heap.bytesHeld == 4 * PageMemory.size)
        // What lies between goes back, and what comes then gets memory of its own.
        heap.trim()
        #expect(heap.bytesHeld == 3 * PageMemory.size)
        heap.give(more.block)
        heap.give(larger.block)
        heap.trim()
        #expect(heap.bytesHeld == 0)
        let anew = heap.take(100 << 20)
        #expect(anew.isNew && heap.bytesHeld == 100 << 20)
        heap.give(anew.block)
        heap.trim()
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
