import TestSupport
import Testing

@testable import Tensors

struct EmbeddingTests {
    @Test(arguments: [1, 7, 8, 33]) func valuesAreSumsOfRows(_ h: Int) {
        var random = TestRandom(1)
        let (words, types) = (random.tensor([11, h]), random.tensor([2, h]))
        let places = random.tensor([6, h])
        let ids: [[Int32]] = [[3, 3, 10, 0, 5], [0, 1, 1, 0, 1], [0, 1, 2, 3, 5]]
        var tape = Tape(.inference)
        let y = tape.embed([(words, ids[0]), (types, ids[1]), (places, ids[2])])
        #expect(y.shape == [5, h])
        var expected: [Double] = []
        for i in 0..<5 {
            let rows = zip([words, types, places], ids).map { $0.row(Int($1[i])) }
            expected += (0..<h).map { j in rows.reduce(0) { $0 + Double($1[j]) } }
        }
        expectClose(y, expected, relative: 1e-6, absolute: 2e-7)
        expectGradients(of: [words, types, places]) { tape, p in
            tape.embed([(p[0], ids[0]), (p[1], ids[1]), (p[2], ids[2])])
        }
        // One table for two look-ups.
        expectGradients(of: [words]) { tape, p in
            tape.embed([(p[0], ids[0]), (p[0], ids[2])])
        }
    }

    @Test func noRows() {
        let table = Parameter(name: "table", value: Tensor([1, 2, 3, 4], shape: [2, 2]))
        var tape = Tape(.training(seed: 1))
        let y = tape.embed([(tape.parameter(table), [])])
        #expect(y.shape == [0, 2])
        let gradients = tape.backward(from: y, seed: Tensor(zeros: [0, 2]))
        #expect(gradients[table]?.values == [0, 0, 0, 0])
    }

    /// A table used once keeps only the rows that were looked up; the sum is that of a dense table.
    @Test func rowSparseEqualsDense() throws {
        var random = TestRandom(2)
        let (v, h, turns) = (40, 12, 3)
        let table = Parameter(name: "table", value: random.tensor([v, h]))
        let ids = (0..<turns).map { _ in random.ids(9, below: 17) }
        let seeds = ids.map { _ in random.tensor([9, h]) }
        let sparse = Gradients(turns: turns)
        let dense = Gradients(turns: turns)
        for turn in 0..<turns {
            var tape = Tape(.training(seed: 1))
            let y = tape.embed([(tape.parameter(table), ids[turn])])
            tape.backward(from: y, seed: seeds[turn], into: sparse, turn: turn)
            // A second use, which adds nothing, makes the table dense.
            var other = Tape(.training(seed: 1))
            let leaf = other.parameter(table)
            let z = other.embed([(leaf, ids[turn])])
            _ = other.scale(leaf, by: 1)
            other.backward(from: z, seed: seeds[turn], into: dense, turn: turn)
        }
        guard case .rows(_, let touched, let flags) = sparse.storage(of: table) else {
            Issue.record("the gradient of a table used once is not row-sparse")
            return
        }
        guard case .dense = dense.storage(of: table) else {
            Issue.record("the gradient of a table used twice is not dense")
            return
        }
        let used = Set(ids.joined())
        #expect(Set(touched) == used && touched.count == used.count)
        #expect(flags.indices.allSatisfy { flags[$0] == used.contains(Int32($0)) })
        let (a, b) = (try #require(sparse[table]), try #require(dense[table]))
        expectClose(a, b.values.map(Double.init), relative: 1e-6, absolute: 1e-6)
        var exact = Matrix(rows: v, columns: h)
        for turn in 0..<turns {
            for (i, id) in ids[turn].enumerated() {
                for j in 0..<h { exact[Int(id), j] += Double(seeds[turn].row(i)[j]) }
            }
        }
        expectClose(a, exact.values, relative: 1e-6, absolute: 1e-6)
        let squares = exact.values.reduce(0) { $0 + $1 * $1 }
        for gradients in [sparse, dense] {
            let sum = try #require(gradients.sumOfSquares(of: table))
            #expect(abs(sum - squares) < 1e-5 * squares)
            gradients.scale(by: 0.5)
            expectClose(
                try #require(gradients[table]), exact.scaled(0.5).values, relative: 1e-6,
                absolute: 1e-6)
        }
    }

    /// A table that one tape looks up and the next multiplies with (tied weights), in both orders.
    @Test(arguments: [false, true]) func sparseAndDenseTurnsMix(_ denseFirst: Bool) throws {
        var random = TestRandom(3)
        let table = Parameter(name: "table", value: random.tensor([10, 4]))
        let x = random.tensor([3, 4])
        let ids: [Int32] = [1, 8, 1]
        let (dy, dz) = (random.tensor([3, 4]), random.tensor([3, 10]))
        var exact = Matrix(dz).transposed * Matrix(x)
        for (i, id) in ids.enumerated() {
            for j in 0..<4 { exact[Int(id), j] += Double(dy.row(i)[j]) }
        }
        let old = Gradients(turns: 2)
        var gradients = old
        for round in 0..<3 {
            if round > 0 { gradients = Gradients(turns: 2, reusing: gradients) }
            var lookup = Tape(.training(seed: 1))
            let y = lookup.embed([(lookup.parameter(table), ids)])
            var product = Tape(.training(seed: 1))
            let z = product.linear(x, weight: product.parameter(table))
            if denseFirst {
                product.backward(from: z, seed: dz, into: gradients, turn: 0)
                lookup.backward(from: y, seed: dy, into: gradients, turn: 1)
            } else {
                lookup.backward(from: y, seed: dy, into: gradients, turn: 0)
                product.backward(from: z, seed: dz, into: gradients, turn: 1)
            }
            expectClose(
                try #require(gradients[table]), exact.values, absolute: 1e-6, "round \(round)")
        }
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.embed([(Tensor(zeros: [3, 2]), [0, 3])])
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.embed([(Tensor(zeros: [3, 2]), [-1])])
        }
        await #expect(processExitsWith: .failure) {
            var tape = Tape(.inference)
            _ = tape.embed([(Tensor(zeros: [3, 2]), [0]), (Tensor(zeros: [3, 2]), [0, 1])])
        }
    }
}
