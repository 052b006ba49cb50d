import TestSupport
import Tensors
import Testing

struct TensorTests {
    @Test func shapes() {
        let shape: Shape = [2, 3, 5]
        #expect(shape.count == 30 && shape.rank == 3 && shape.width == 5 && shape.rows == 6)
        let scalar: Shape = []
        #expect(scalar.count == 1 && scalar.rank == 0 && scalar.width == 1 && scalar.rows == 1)
        #expect(([4, 0] as Shape).rows == 4 && ([4, 0] as Shape).count == 0)
        #expect(([0, 4] as Shape).rows == 0)
        #expect("\(shape)" == "[2, 3, 5]")
    }

    @Test func rows() {
        let tensor = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
        #expect(tensor.row(1) == [3, 4])
        #expect(tensor.rows(1..<3).values == [3, 4, 5, 6])
        #expect(tensor.rows(at: [2, 0, 2]).values == [5, 6, 1, 2, 5, 6])
        #expect(tensor.rows(1..<1).shape == [0, 2])
        #expect(Tensor([7], shape: []).scalar == 7)
        #expect(tensor.copy.values == tensor.values)
    }

    @Test(arguments: [0, 1, 7, 16, 33, 1001]) func finiteness(_ count: Int) {
        var random = TestRandom(1)
        let values = random.tensor([count]).values
        #expect(Tensor(values).isFinite)
        for bad in [Float.nan, .infinity, -.infinity] where count > 0 {
            for place in [0, count / 2, count - 1] {
                var spoilt = values
                spoilt[place] = bad
                #expect(!Tensor(spoilt).isFinite)
            }
        }
        #expect(Tensor([Float](repeating: .greatestFiniteMagnitude, count: count)).isFinite)
    }

    @Test(arguments: [0, 1, 7, 16, 33, 1001]) func sumOfSquares(_ count: Int) {
        var random = TestRandom(2)
        // Squares beyond float32.
        let tensor = random.tensor([count], in: -1e25...1e25)
        let exact = tensor.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(tensor.sumOfSquares - exact) <= 1e-13 * exact)
    }

    @Test func parameters() {
        let value = Tensor([1, 2, 3])
        let parameter = Parameter(name: "p", value: value)
        #expect(parameter.shape == [3] && !parameter.isFrozen)
        parameter.assign(Tensor([4, 5, 6]))
        #expect(parameter.value.values == [4, 5, 6] && value.values == [1, 2, 3])
    }

    @Test func traps() async {
        await #expect(processExitsWith: .failure) { _ = Tensor([1, 2], shape: [3]) }
        await #expect(processExitsWith: .failure) { _ = Shape([2, -1]) }
        await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).scalar }
        await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 2]).row(2) }
        await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 2]).rows(at: [2]) }
        await #expect(processExitsWith: .failure) {
            Parameter(name: "p", value: Tensor([1])).assign(Tensor([1, 2]))
        }
    }
}
