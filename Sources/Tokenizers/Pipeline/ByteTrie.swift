/// Finds all tokens that a text starts with at a place, in one walk.
///
/// Nodes stand breadth first in flat arrays, so that the children of a node are side by side in the order of their
/// bytes.
struct ByteTrie: Sendable {
    /// By node: its first child; the children end where those of the next node start.
    private var firstChild: [Int32] = []
    private var labels: [UInt8] = []
    /// By node, the token that ends there, or -1.
    private var ids: [Int32] = []
    /// Where a node has many children: the child of each byte, or 0; found by ``rows``.
    private var children: [Int32] = []
    /// By node, its row in ``children``, or -1.
    private var rows: [Int32] = []

    /// A trie of `tokens`, none of them empty, and their ids.
    init(_ tokens: [(bytes: [UInt8], id: Int32)]) {
        let tokens = tokens.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        // The tokens below each node that waits to be given its children, and how deep it lies.
        var waiting: [(tokens: Range<Int>, depth: Int)] = [(0..<tokens.count, 0)]
        labels = [0]
        ids = [-1]
        var node = 0
        while node < waiting.count {
            let (range, depth) = waiting[node]
            firstChild.append(Int32(truncatingIfNeeded: waiting.count))
            var index = range.lowerBound
            while index < range.upperBound, tokens[index].bytes.count == depth {
                ids[node] = tokens[index].id
                index += 1
            }
            while index < range.upperBound {
                let byte = tokens[index].bytes[depth]
                var end = index + 1
                while end < range.upperBound, tokens[end].bytes[depth] == byte { end += 1 }
                waiting.append((index..<end, depth + 1))
                labels.append(byte)
                ids.append(-1)
                index = end
            }
            let first = Int(firstChild[node])
            if waiting.count - first > 6 {
                rows.append(Int32(truncatingIfNeeded: children.count >> 8))
                children.append(contentsOf: repeatElement(0, count: 256))
                for child in first..<waiting.count {
                    children[children.count - 256 + Int(labels[child])] = Int32(
                        truncatingIfNeeded: child)
                }
            } else {
                rows.append(-1)
            }
            node += 1
        }
        firstChild.append(Int32(truncatingIfNeeded: waiting.count))
    }

    /// The root.
    static let root = 0

    /// The child of `node` under `byte`; 0 where there is none.
    @inline(__always)
    func child(of node: Int, _ byte: UInt8) -> Int {
        let row = rows[node]
        if row >= 0 { return Int(children[Int(row) << 8 | Int(byte)]) }
        for child in Int(firstChild[node])..<Int(firstChild[node + 1]) where labels[child] == byte {
            return child
        }
        return 0
    }

    /// The token that ends at `node`, or -1.
    @inline(__always)
    func id(at node: Int) -> Int32 { ids[node] }

    /// The token that is `text[range]`.
    func id(of text: [UInt8], _ range: Range<Int>) -> Int32? {
        var node = Self.root
        for index in range {
            node = child(of: node, text[index])
            if node == 0 { return nil }
        }
        return ids[node] < 0 ? nil : ids[node]
    }
}
