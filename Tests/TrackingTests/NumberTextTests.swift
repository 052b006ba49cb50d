import Testing
import Tracking

@Suite struct NumberTextTests {
    @Test(arguments: [
        (0.0001, "0.0001"), (3e-5, "3e-05"), (1e-4 / 3, "3.3333333333333335e-05"), (8e-6, "8e-06"),
        (1, "1.0"), (0, "0.0"), (-0.0, "-0.0"), (0.1 + 0.2, "0.30000000000000004"),
        (123456789.0, "123456789.0"), (9_007_199_254_740_992, "9007199254740992.0"),
        (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1.2345e16, "1.2345e+16"),
        (-1.2e16, "-1.2e+16"), (1e17, "1e+17"), (1e22, "1e+22"), (1e-300, "1e-300"),
        (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
    ])
    func shortestIsPythonsRepr(value: Double, text: String) {
        #expect(NumberText.shortest(value) == text)
    }

    // The expected texts are what Python's '%.*f' prints.
    @Test(arguments: [
        (4.14015, 4, "4.1402"), (4.138, 4, "4.1380"), (0.5, 0, "0"), (1.5, 0, "2"), (2.5, 0, "2"),
        (0.125, 2, "0.12"), (0.375, 2, "0.38"), (2.675, 2, "2.67"), (1.005, 2, "1.00"),
        (0.00005, 4, "0.0001"), (0.00004999, 4, "0.0000"), (-1.25, 1, "-1.2"),
        (-0.00001, 4, "-0.0000"),
        (999.99996, 4, "1000.0000"), (1e15 + 0.3, 4, "1000000000000000.2500"),
        (.leastNonzeroMagnitude, 6, "0.000000"),
        (123456789012345680, 1, "123456789012345680.0"), (.nan, 4, "nan"), (.infinity, 4, "inf"),
        (-.infinity, 4, "-inf"),
    ])
    func fixedIsPythonsFormat(value: Double, decimals: Int, text: String) {
        #expect(NumberText.fixed(value, decimals: decimals) == text)
    }

    @Test func fixedAgreesWithExactArithmetic() {
        // k/64 has an exact decimal expansion of six digits.
        for k in 0..<2000 {
            let units = k * 15625
            let expected =
                "\(units / 1_000_000)." + String(String(units % 1_000_000 + 1_000_000).dropFirst())
            #expect(NumberText.fixed(Double(k) / 64, decimals: 6) == expected)
        }
    }

    @Test(arguments: [
        (0, "00:00"), (12.9, "00:12"), (75, "01:15"), (3723, "1:02:03"), (360000, "100:00:00"),
        (-5, "-00:05"), (.nan, "?"), (.infinity, "?"),
    ])
    func clock(seconds: Double, text: String) { #expect(NumberText.clock(seconds) == text) }

    @Test(arguments: [
        (0, "0 B"), (817, "817 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (999_960, "1.0 MB"),
        (3_200_000_000, "3.2 GB"), (5_000_000_000_000_000, "5000.0 TB"),
    ])
    func bytes(count: Int, text: String) { #expect(NumberText.bytes(count) == text) }
}
