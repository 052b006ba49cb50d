import Foundation
import TestSupport
import Testing

@testable import Tensors

struct ActivationTests {
    static let all: [Activation] = unbounded + [.tanh, .sigmoid]
    static let unbounded: [Activation] = [.geluErf, .geluTanh, .relu]

    private func reference(_ activation: Activation, _ x: Double) -> (value: Double, slope: Double)
    {
        switch activation {
        case .geluErf: TensorsTests.geluErf(x)
        case .geluTanh: TensorsTests.geluTanh(x)
        case .relu: x > 0 ? (x, 1) : (0, 0)
        case .tanh: (Foundation.tanh(x), 1 / (Foundation.cosh(x) * Foundation.cosh(x)))
        case .sigmoid:
            (1 / (1 + Foundation.exp(-x)), 1 / (2 + Foundation.exp(x) + Foundation.exp(-x)))
        }
    }

    /// 200,001 points over [-10, 10], and the derivative at each.
    @Test(arguments: all) func accuracy(_ activation: Activation) throws {
        let points = (-100_000...100_000).map { Float($0) / 10_000 }
        var tape = Tape(.training(seed: 1))
        let x = tape.variable(Tensor(points))
        let y = tape.activate(x, activation)
        let ones = Tensor([Float](repeating: 1, count: points.count))
        let slopes = try #require(tape.backward(from: y, seed: ones)[x]).values
        let values = y.values
        var (worstValue, worstSlope) = ((error: 0.0, at: Float(0)), (error: 0.0, at: Float(0)))
        for (index, point) in points.enumerated() {
            let exact = reference(activation, Double(point))
            let error = abs(Double(values[index]) - exact.value)
            let slopeError = abs(Double(slopes[index]) - exact.slope)
            if !(error <= worstValue.error) { worstValue = (error, point) }
            if !(slopeError <= worstSlope.error) { worstSlope = (slopeError, point) }
        }
        print(
            "note: \(activation): largest error \(worstValue.error) at \(worstValue.at); "
                + "of the derivative \(worstSlope.error) at \(worstSlope.at)")
        #expect(worstValue.error < 1e-6)
        #expect(worstSlope.error < 1e-6)
    }

    /// The tail of x Phi(x) keeps relative precision, where a formula with 1 + erf would leave nothing.
    @Test func tailOfGELU() {
        let points = (0...500).map { Float(-10) + Float($0) / 100 }
        var tape = Tape(.inference)
        let expected = points.map { TensorsTests.geluErf(Double($0)).value }
        // The exponent, up to 50, is itself rounded to 2^-24 of its size.
        expectClose(
            tape.activate(Tensor(points), .geluErf), expected, relative: 1e-5, absolute: 1e-30)
    }

    /// tanh(x) is about x near 0: its digits must not be lost in 1 - 2 / (1 + e^2x).
    @Test func smallNumbersInTanh() {
        let points = (1...1000).map { Float($0) * 3e-4 } + [1e-20, -1e-5, -0.0999, -0.1001]
        var tape = Tape(.inference)
        let expected = points.map { Foundation.tanh(Double($0)) }
        expectClose(
            tape.activate(Tensor(points), .tanh), expected, relative: 1e-6, absolute: 1e-30)
    }

    @Test func farOutOfBoundedFunctions() {
        var tape = Tape(.inference)
        let far = Tensor([1e4, -1e4, 1e30, -1e30])
        #expect(tape.activate(far, .tanh).values == [1, -1, 1, -1])
        let logistic = tape.activate(far, .sigmoid).values
        #expect(logistic[0] == 1 && logistic[2] == 1)
        #expect(logistic[1] < 1e-30 && logistic[3] < 1e-30)
    }

    @Test(arguments: unbounded) func farOut(_ activation: Activation) {
        var tape = Tape(.inference)
        let y = tape.activate(Tensor([1e4, -1e4, 50, -50, 0, 1e18, -1e18]), activation).values
        #expect(y[0] == 1e4 && y[2] == 50 && y[5] == 1e18)
        #expect(abs(y[1]) < 1e-30 && abs(y[3]) < 1e-30 && y[4] == 0 && abs(y[6]) < 1e-18)
    }

    @Test(arguments: all) func notANumberStays(_ activation: Activation) {
        var tape = Tape(.inference)
        let y = tape.activate(Tensor([.nan, 1]), activation).values
        #expect(y[0].isNaN)
        #expect(y[1].isFinite)
    }

    @Test(arguments: all, [[1], [3, 7], [8, 8], [5, 33]] as [Shape])
    func gradients(_ activation: Activation, _ shape: Shape) {
        var random = TestRandom(4)
        // Away from the corner of relu.
        let x = random.tensor(shape, size: 0.05...3)
        expectGradients(of: [x]) { tape, x in tape.activate(x[0], activation) }
    }
}
