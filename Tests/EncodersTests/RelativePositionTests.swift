import Tensors
import TestSupport
import Testing

@testable import Layers

@Suite struct RelativePositionTests {
    /// Numbers of Transformers' `T5Attention._relative_position_bucket`.
    @Test func buckets() {
        func buckets(_ distances: [Int], _ count: Int, _ maximum: Int) -> [Int] {
            distances.map {
                RelativePositionBias.bucket($0, buckets: count, maximumDistance: maximum)
            }
        }
        let distances = [
            -3000, -128, -91, -64, -16, -8, -7, -1, 0, 1, 7, 8, 11, 12, 16, 32, 90, 3000,
        ]
        #expect(
            buckets(distances, 32, 128) == [
                15, 15, 15, 14, 10, 8, 7, 1, 0, 17, 23, 24, 24, 25, 26, 28, 30, 31,
            ])
        #expect(
            buckets(distances, 32, 20) == [
                15, 15, 15, 15, 14, 8, 7, 1, 0, 17, 23, 24, 26, 27, 30, 31, 31, 31,
            ])
        #expect(
            buckets(distances, 8, 16) == [3, 3, 3, 3, 3, 3, 3, 1, 0, 5, 7, 7, 7, 7, 7, 7, 7, 7])
    }

    /// Row n + d is for distance d, and rows of one bucket share their gradient.
    @Test func rows() throws {
        let store = ParameterStore()
        let scope = Scope(store: store, source: RandomSource(seed: 2))
        let bias = try RelativePositionBias(
            scope, buckets: 4, maximumDistance: 8, heads: 3, deviation: 1)
        var tape = Tape(.training(seed: 1))
        let rows = bias(longest: 4, on: &tape)
        let weight = try #require(store["weight"])
        #expect(rows.shape == [7, 3])
        // Four buckets: none or in front, far in front, (none), behind.
        #expect((0..<7).map { rows.row($0) } == [1, 1, 1, 0, 3, 3, 3].map { weight.value.row($0) })
        let gradients = tape.backward(
            from: rows, seed: Tensor((0..<21).map(Float.init), shape: [7, 3]))
        let gradient = try #require(gradients[weight])
        expectClose(gradient, [9, 10, 11, 9, 12, 15, 0, 0, 0, 45, 48, 51])
    }
}
