#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// cos(pi * x)
func cosineOfHalfTurns(_ x: Double) -> Double { cos(Double.pi * x) }
