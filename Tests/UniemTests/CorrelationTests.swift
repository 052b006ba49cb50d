import Files
import TestSupport
import Testing
import Uniem

@Suite struct CorrelationTests {
    private func number(_ json: JSON?) throws -> Double {
        let json = try #require(json)
        return try #require(json.double ?? json.string.flatMap { Double($0) })
    }

    private func expectSame(_ mine: Double, _ other: Double, _ what: String) {
        #expect(mine.isNaN ? other.isNaN : abs(mine - other) <= 1e-12, "\(what): \(mine), \(other)")
    }

    @Test(arguments: GoldenRoot.all) func asSciPy(_ root: GoldenRoot) throws {
        let cases = try #require(root.json("stats/correlations.json")["cases"]?.array)
        #expect(cases.count >= 14)
        for item in cases {
            let name = try #require(item["name"]?.string)
            let x = try #require(item["x"]?.array).compactMap(\.double)
            let y = try #require(item["y"]?.array).compactMap(\.double)
            let (pearson, spearman) = (
                try number(item["pearson"]), try number(item["spearman"])
            )
            // Offsets of 1e8 leave eight digits.
            let isOffset = name.contains("offset")
            let mine = Correlation.pearson(x, y)
            if isOffset {
                #expect(abs(mine - pearson) < 1e-7)
            } else {
                expectSame(mine, pearson, name)
            }
            expectSame(Correlation.spearman(x, y), spearman, name)
            #expect(Correlation.ranks(x) == item["rank_x"]?.array?.compactMap(\.double), "\(name)")
            #expect(Correlation.ranks(y) == item["rank_y"]?.array?.compactMap(\.double), "\(name)")
        }
    }

    @Test func whatHasNoCorrelation() {
        // The mean of these is not exactly 0.1: the sum of squares around it is not 0.
        for x in [[0.1, 0.1, 0.1], [1e300, 1e300, 1e300], [0, -0.0, 0], [], [1]] as [[Double]] {
            let y = x.indices.map(Double.init)
            #expect(Correlation.pearson(x, y).isNaN && Correlation.pearson(y, x).isNaN, "\(x)")
            #expect(Correlation.spearman(x, y).isNaN && Correlation.spearman(y, x).isNaN, "\(x)")
        }
        for bad in [[1, .nan, 3], [.nan, .nan, .nan]] as [[Double]] {
            #expect(Correlation.pearson(bad, [1, 2, 3]).isNaN)
            #expect(Correlation.spearman(bad, [1, 2, 3]).isNaN)
            #expect(Correlation.spearman([1, 2, 3], bad).isNaN)
        }
    }

    @Test func ranks() {
        #expect(Correlation.ranks([3, 1, 2]) == [3, 1, 2])
        #expect(Correlation.ranks([5, 5, 1, 5]) == [3, 3, 1, 3])
        #expect(Correlation.ranks([0, -0.0]) == [1.5, 1.5])
        #expect(Correlation.ranks([.infinity, -.infinity, 0]) == [3, 1, 2])
        #expect(Correlation.ranks([]) == [])
    }

    @Test func onlyOrderCounts() {
        var random = TestRandom(9)
        let x = (0..<200).map { _ in Double(random.uniform()) }
        let y = x.map { $0 + Double(random.uniform()) }
        let rho = Correlation.spearman(x, y)
        #expect(rho > 0.3 && rho < 1)
        #expect(Correlation.spearman(x.map { $0 * $0 * $0 * 100 + 3 }, y) == rho)
        #expect(Correlation.spearman(x, x) == 1)
        #expect(Correlation.spearman(x, x.map { -$0 }) == -1)
    }
}
