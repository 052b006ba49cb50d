/// Memory that is cut into blocks of any size.
///
/// A request gets the smallest free block that it fits into, among equals the one with the lowest address; what is left
/// of it stays free. A block that is given back becomes one with the free blocks beside it. Where none fits, the heap
/// grows at its end, by no more than is missing. So what it holds is little more than what was in use at a time,
/// whatever the sizes are.
struct BlockHeap: ~Copyable {
    /// A stretch of memory, in use or free. The blocks of memory that hangs together are chained by address.
    private struct Block {
        var address: UInt
        var bytes: Int
        var previous: Int?
        var next: Int?
        var isFree = false

        var end: UInt { address + UInt(bytes) }
    }

    private var blocks: [Block] = []
    /// Numbers of blocks that are not there any more.
    private var unused: [Int] = []
    private var free = FreeBlocks()
    /// The block with the highest address of the memory that was added last.
    private var last: Int?
    /// Bytes of all blocks.
    private(set) var bytesHeld = 0
    /// In the memory that was added last, where nobody has had a block yet: the system gave it as zeros.
    private var untouched: Range<UInt> = 0..<0

    /// A block that was taken.
    struct Piece {
        let block: Int
        let address: UInt
        /// Whether the heap had to grow for it.
        let isNew: Bool
        /// Whether all of it is zero.
        let isZero: Bool
    }

    /// A block of `bytes`, a multiple of 64.
    mutating func take(_ bytes: Int) -> Piece {
        let found = free.smallest(bytes)
        let number = found ?? grow(for: bytes)
        remove(number)
        split(number, at: bytes)
        let block = blocks[number]
        let isZero = block.address >= untouched.lowerBound && block.end <= untouched.upperBound
        if block.end > untouched.lowerBound, block.end <= untouched.upperBound {
            untouched = block.end..<untouched.upperBound
        }
        return Piece(block: number, address: block.address, isNew: found == nil, isZero: isZero)
    }

    /// Takes back block `number`.
    mutating func give(_ number: Int) {
        var number = number
        if let previous = blocks[number].previous, blocks[previous].isFree {
            remove(previous)
            merge(previous)
            number = previous
        }
        if let next = blocks[number].next, blocks[next].isFree {
            remove(next)
            merge(number)
        }
        insert(number)
    }

    /// Gives all pages in which nothing is in use back to the system.
    mutating func trim() {
        for number in free.numbers {
            let block = blocks[number]
            let start = PageMemory.roundedUp(block.address)
            let end = PageMemory.roundedDown(block.end)
            guard start < end else { continue }
            remove(number)
            // Cut out of the chain what goes back.
            var middle = number
            if start > block.address {
                middle = split(number, at: Int(start - block.address)) ?? number
                remove(middle)
                insert(number)
            }
            split(middle, at: Int(end - start))
            let (previous, next) = (blocks[middle].previous, blocks[middle].next)
            if let previous { blocks[previous].next = nil }
            if let next { blocks[next].previous = nil }
            if last == middle { last = previous }
            unused.append(middle)
            untouched = 0..<0
            bytesHeld -= Int(end - start)
            PageMemory.free(start, bytes: Int(end - start))
        }
    }

    /// A free block of at least `bytes` at the end of the heap.
    private mutating func grow(for bytes: Int) -> Int {
        if let last {
            let (end, spare) = (blocks[last].end, blocks[last].isFree ? blocks[last].bytes : 0)
            let missing = Int(PageMemory.roundedUp(UInt(bytes - spare)))
            if PageMemory.extend(at: end, bytes: missing) {
                return append(end, missing, after: last)
            }
        }
        let whole = Int(PageMemory.roundedUp(UInt(bytes)))
        return append(PageMemory.take(bytes: whole), whole, after: nil)
    }

    /// Adds memory to the block `previous` in front of it, where that is free, or else as a block of its own.
    private mutating func append(_ address: UInt, _ bytes: Int, after previous: Int?) -> Int {
        bytesHeld += bytes
        let start = untouched.upperBound == address ? untouched.lowerBound : address
        untouched = start..<address + UInt(bytes)
        if let previous, blocks[previous].isFree {
            remove(previous)
            blocks[previous].bytes += bytes
            insert(previous)
            return previous
        }
        let number = add(Block(address: address, bytes: bytes, previous: previous))
        if let previous { blocks[previous].next = number }
        last = number
        insert(number)
        return number
    }

    /// Cuts block `number` after `bytes`; returns the number of the free block behind, where there is something left.
    @discardableResult
    private mutating func split(_ number: Int, at bytes: Int) -> Int? {
        let block = blocks[number]
        guard block.bytes > bytes else { return nil }
        let rest = add(
            Block(
                address: block.address + UInt(bytes), bytes: block.bytes - bytes,
                previous: number, next: block.next))
        if let next = block.next { blocks[next].previous = rest }
        blocks[number].bytes = bytes
        blocks[number].next = rest
        if last == number { last = rest }
        insert(rest)
        return rest
    }

    /// Adds the block behind block `number` to it. Neither may be listed as free.
    private mutating func merge(_ number: Int) {
        guard let next = blocks[number].next else { return }
        blocks[number].bytes += blocks[next].bytes
        blocks[number].next = blocks[next].next
        if let behind = blocks[next].next { blocks[behind].previous = number }
        if last == next { last = number }
        unused.append(next)
    }

    private mutating func add(_ block: Block) -> Int {
        if let number = unused.popLast() {
            blocks[number] = block
            return number
        }
        blocks.append(block)
        return blocks.count - 1
    }

    private mutating func insert(_ number: Int) {
        blocks[number].isFree = true
        free.insert(entry(number))
    }

    private mutating func remove(_ number: Int) {
        blocks[number].isFree = false
        free.remove(entry(number))
    }

    private func entry(_ number: Int) -> FreeBlocks.Entry {
        FreeBlocks.Entry(
            bytes: blocks[number].bytes, address: blocks[number].address, number: number)
    }
}

/// Free blocks in order of size and address, in one sorted list for each of eight classes of sizes per power of two: so
/// lists stay short, and the first of the next list that is not empty is the next larger block.
private struct FreeBlocks {
    struct Entry: Comparable {
        var bytes: Int
        var address: UInt
        var number: Int

        static func < (a: Entry, b: Entry) -> Bool { (a.bytes, a.address) < (b.bytes, b.address) }
    }

    private static let classes = 8 * Int.bitWidth
    private var lists: [[Entry]] = Array(repeating: [], count: classes)
    /// A bit for each list that is not empty.
    private var filled: [UInt64] = Array(repeating: 0, count: classes / 64)

    /// The numbers of all blocks, the smallest first.
    var numbers: [Int] { lists.flatMap { $0.map(\.number) } }

    mutating func insert(_ entry: Entry) {
        let list = FreeBlocks.list(entry.bytes)
        lists[list].insert(entry, at: place(in: list, of: entry))
        filled[list / 64] |= 1 << UInt64(list % 64)
    }

    mutating func remove(_ entry: Entry) {
        let list = FreeBlocks.list(entry.bytes)
        lists[list].remove(at: place(in: list, of: entry))
        if lists[list].isEmpty { filled[list / 64] &= ~(1 << UInt64(list % 64)) }
    }

    /// The number of the smallest block of at least `bytes`, of the lowest address among equals.
    func smallest(_ bytes: Int) -> Int? {
        let own = FreeBlocks.list(bytes)
        let place = place(in: own, of: Entry(bytes: bytes, address: 0, number: 0))
        if place < lists[own].count { return lists[own][place].number }
        return nextFilled(own + 1).map { lists[$0][0].number }
    }

    /// The first list from `start` on that is not empty.
    private func nextFilled(_ start: Int) -> Int? {
        var (word, mask) = (start / 64, UInt64.max << UInt64(start % 64))
        while word < filled.count {
            let bits = filled[word] & mask
            if bits != 0 { return 64 * word + bits.trailingZeroBitCount }
            (word, mask) = (word + 1, .max)
        }
        return nil
    }

    /// How many entries of the list are smaller than `entry`.
    private func place(in list: Int, of entry: Entry) -> Int {
        var (low, high) = (0, lists[list].count)
        while low < high {
            let middle = (low + high) / 2
            if lists[list][middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The three bits below the highest say which class of its power of two a size is in.
    private static func list(_ bytes: Int) -> Int {
        let power = Int.bitWidth - 1 - bytes.leadingZeroBitCount
        return 8 * power + (bytes >> (power - 3)) & 7
    }
}
