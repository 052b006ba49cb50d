import TestSupport
import Tensors
import Testing

struct PoolingTests {
    static let linear: [Reduction] = [.first, .last, .mean, .ramp, .meanSqrtLength]

    private func weights(_ reduction: Reduction, _ length: Int) -> [Double] {
        switch reduction {
        case .first: (0..<length).map { $0 == 0 ? 1 : 0 }
        case .mean: (0..<length).map { _ in 1 / Double(length) }
        case .last: (0..<length).map { $0 == length - 1 ? 1 : 0 }
        case .meanSqrtLength: (0..<length).map { _ in 1 / Double(length).squareRoot() }
        case .max: preconditionFailure("the largest is not linear")
        case .ramp: (0..<length).map { 2 * Double($0 + 1) / Double(length * (length + 1)) }
        }
    }

    @Test(arguments: linear, [1, 7, 8, 33]) func pool(_ reduction: Reduction, _ h: Int) throws {
        var random = TestRandom(1)
        let lengths = [1, 2, 7, 1, 8, 100]
        let offsets = SequenceOffsets(lengths: lengths)
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(random.tensor([offsets.rowCount, h]))
        let y = tape.pool(x, offsets: offsets, by: reduction)
        #expect(y.shape == [6, h])
        let dy = random.tensor([6, h])
        let dx = try #require(tape.backward(from: y, seed: dy)[x])
        // y = W x with one row of weights a sequence.
        var w = Matrix(rows: 6, columns: offsets.rowCount)
        for (s, length) in lengths.enumerated() {
            for (i, weight) in weights(reduction, length).enumerated() {
                w[s, Int(offsets.starts[s]) + i] = weight
            }
        }
        expectClose(y, (w * Matrix(x)).values, relative: 1e-5, absolute: 1e-6)
        expectClose(dx, (w.transposed * Matrix(dy)).values, relative: 1e-6, absolute: 1e-9)
        expectGradients(of: [x.constant]) { tape, p in
            tape.pool(p[0], offsets: offsets, by: reduction)
        }
    }

    @Test(arguments: linear + [.max]) func nothing(_ reduction: Reduction) {
        var tape = Tape(.inference)
        let y = tape.pool(
            Tensor(zeros: [0, 4]), offsets: SequenceOffsets(lengths: []), by: reduction)
        #expect(y.shape == [0, 4])
    }

    @Test(arguments: [1, 7, 8, 33]) func largest(_ h: Int) throws {
        var random = TestRandom(2)
        let lengths = [1, 2, 7, 40]
        let offsets = SequenceOffsets(lengths: lengths)
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(random.tensor([offsets.rowCount, h]))
        let y = tape.pool(x, offsets: offsets, by: .max)
        for s in lengths.indices {
            let rows = (Int(offsets.starts[s])..<Int(offsets.starts[s + 1])).map { x.row($0) }
            #expect(y.row(s) == (0..<h).map { j in rows.map { $0[j] }.max() ?? 0 })
        }
        // Each gradient goes to the place of the largest, and nowhere else.
        let dy = random.tensor([lengths.count, h])
        let dx = try #require(tape.backward(from: y, seed: dy)[x])
        for s in lengths.indices {
            for j in 0..<h {
                for row in Int(offsets.starts[s])..<Int(offsets.starts[s + 1]) {
                    let isLargest = x.row(row)[j] == y.row(s)[j]
                    #expect(dx.row(row)[j] == (isLargest ? dy.row(s)[j] : 0))
                }
            }
        }
        // Numbers far enough apart that the step of the check does not change which is largest.
        let spread = Tensor(
            (0..<offsets.rowCount * h).map { Float(($0 * 37) % 211) }, shape: [offsets.rowCount, h])
        expectGradients(of: [spread]) { tape, p in
            tape.pool(p[0], offsets: offsets, by: .max)
        }
    }

    /// Skipping rows is pooling what is left, with the numbers that the rows had.
    @Test(arguments: linear + [.max], [1, 3, 6]) func skipping(
        _ reduction: Reduction, _ skip: Int
    ) throws {
        var random = TestRandom(5)
        let lengths = [9, 1, 4, 7]
        let offsets = SequenceOffsets(lengths: lengths)
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(random.tensor([offsets.rowCount, 5]))
        let y = tape.pool(x, offsets: offsets, by: reduction, skipping: skip)
        let dy = random.tensor([lengths.count, 5])
        let dx = try #require(tape.backward(from: y, seed: dy)[x])
        for (s, length) in lengths.enumerated() {
            let first = min(skip, length - 1)
            let start = Int(offsets.starts[s])
            let rows = (start + first..<start + length).map { x.row($0).map(Double.init) }
            let numbers = (first..<length).map { Double($0 + 1) }
            let total = numbers.reduce(0, +)
            for j in 0..<5 {
                let column = rows.map { $0[j] }
                let expected =
                    switch reduction {
                    case .first: column[0]
                    case .last: column[column.count - 1]
                    case .mean: column.reduce(0, +) / Double(column.count)
                    case .meanSqrtLength:
                        column.reduce(0, +) / Double(column.count).squareRoot()
                    case .ramp: zip(column, numbers).reduce(0) { $0 + $1.0 * $1.1 } / total
                    case .max: column.max() ?? 0
                    }
                #expect(abs(Double(y.row(s)[j]) - expected) < 1e-6)
                // Nothing goes to rows that were skipped.
                for row in start..<start + first { #expect(dx.row(row)[j] == 0) }
            }
        }
        if reduction != .max {
            expectGradients(of: [x.constant]) { tape, p in
                tape.pool(p[0], offsets: offsets, by: reduction, skipping: skip)
            }
        }
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            let offsets = SequenceOffsets(lengths: [2])
            _ = tape.pool(Tensor(zeros: [3, 4]), offsets: offsets, by: .mean)
        }
    }
}
