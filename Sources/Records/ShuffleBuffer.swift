/// Shuffles what streams by, holding only `capacity` of it.
///
/// The first `capacity` elements fill the buffer. Each later one takes the place of one drawn from
/// it, which comes out. At the end what is left comes out in random order (Fisher-Yates). An
/// element can come out far behind its place, but never more than `capacity` before it.
struct ShuffleBuffer<Element> {
    let capacity: Int
    /// What the buffer holds, by place.
    private(set) var elements: [Element] = []
    private var random: SplitMix64

    /// A buffer of `capacity` places. Traps unless it has one.
    init(capacity: Int, random: SplitMix64) {
        precondition(capacity > 0, "ShuffleBuffer: \(capacity) places")
        self.capacity = capacity
        self.random = random
    }

    /// Puts `element` in; what comes out for it, or `nil` while the buffer fills.
    mutating func exchange(_ element: Element) -> Element? {
        guard elements.count == capacity else {
            elements.append(element)
            return nil
        }
        let place = Int(random.next(below: UInt64(capacity)))
        let old = elements[place]
        elements[place] = element
        return old
    }

    /// What is left, in the order in which it comes out.
    mutating func drain() -> [Element] {
        let rest = random.permutation(of: elements.count).map { elements[$0] }
        elements = []
        return rest
    }

    /// A buffer in the same state with other elements: those that `elements` gives for each place.
    func replacing<Other>(_ elements: [Other]) -> ShuffleBuffer<Other> {
        precondition(
            elements.count == self.elements.count,
            "ShuffleBuffer: \(elements.count) elements for \(self.elements.count) places")
        var other = ShuffleBuffer<Other>(capacity: capacity, random: random)
        other.elements = elements
        return other
    }
}
