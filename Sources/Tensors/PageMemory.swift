#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Memory straight from the system, in large pages where it has them: they cost a page fault per 2 MiB instead of per
/// 4 KiB. All addresses and sizes are multiples of ``size``.
enum PageMemory {
    /// The size of a large page on the processors that we know.
    static let size = 2 << 20

    /// `bytes` rounded up to whole pages.
    static func roundedUp(_ bytes: UInt) -> UInt { roundedDown(bytes + UInt(size) - 1) }

    /// `bytes` rounded down to whole pages.
    static func roundedDown(_ bytes: UInt) -> UInt { bytes & ~(UInt(size) - 1) }

    /// Takes `bytes` at `address`; false where something else lies there or there is no memory.
    static func extend(at address: UInt, bytes: Int) -> Bool {
        guard let found = map(bytes, near: address) else { return false }
        guard found == address else {
            free(found, bytes: bytes)
            return false
        }
        advise(found, bytes)
        return true
    }

    /// Takes `bytes` at an address with much room behind, for ``extend(at:bytes:)``. Traps where there is no memory.
    static func take(bytes: Int) -> UInt {
        if let address = roomyAddress(), extend(at: address, bytes: bytes) { return address }
        guard let found = map(bytes + size) else { fatalError("out of memory: \(bytes) bytes") }
        let address = roundedUp(found)
        if address > found { free(found, bytes: Int(address - found)) }
        let rest = found + UInt(bytes + size) - (address + UInt(bytes))
        if rest > 0 { free(address + UInt(bytes), bytes: Int(rest)) }
        advise(address, bytes)
        return address
    }

    /// Takes `bytes` that are zero and cost memory only where they are touched, in small pages. Traps where there are no
    /// addresses left.
    static func takeSparse(bytes: Int) -> UInt {
        guard let address = map(bytes) else { fatalError("out of memory: \(bytes) bytes") }
        #if os(Linux)
            _ = madvise(UnsafeMutableRawPointer(bitPattern: address), bytes, MADV_NOHUGEPAGE)
        #endif
        return address
    }

    /// Gives memory back to the system.
    static func free(_ address: UInt, bytes: Int) {
        munmap(UnsafeMutableRawPointer(bitPattern: address), bytes)
    }

    /// Where nothing lies far and wide: the beginning of the largest stretch of addresses that the system finds.
    private static func roomyAddress() -> UInt? {
        var bytes = 1 << 40
        while bytes >= 1 << 30 {
            // Nothing is kept of it: addresses may be limited too.
            if let found = map(bytes, protection: PROT_NONE) {
                free(found, bytes: bytes)
                return roundedUp(found)
            }
            bytes >>= 1
        }
        return nil
    }

    private static func map(
        _ bytes: Int, near address: UInt? = nil, protection: Int32 = PROT_READ | PROT_WRITE
    ) -> UInt? {
        let hint = address.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }
        let found = mmap(hint, bytes, protection, MAP_PRIVATE | MAP_ANON, -1, 0)
        return found == MAP_FAILED ? nil : UInt(bitPattern: found)
    }

    private static func advise(_ address: UInt, _ bytes: Int) {
        #if os(Linux)
            _ = madvise(UnsafeMutableRawPointer(bitPattern: address), bytes, MADV_HUGEPAGE)
        #endif
    }
}
