/// The patterns that cut text for byte-level models, each by a scanner of its own: no regular expression is run.
///
/// A scanner gives the end of the match at a place. Every character is part of a match.
enum WordPattern: String, Equatable, Sendable, CaseIterable {
    /// GPT-2 and RoBERTa.
    case gpt2 =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    /// Llama 3: numbers in threes.
    case llama3 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    /// Qwen 2 and 3: digits one by one.
    case qwen2 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// Appends the matches in `text[range]`, which they fill.
    func split(_ text: [UInt8], _ range: Range<Int>, into words: inout [Range<Int>]) {
        let classes = TextClass.table
        var start = range.lowerBound
        while start < range.upperBound {
            let scanner = Scanner(text: text, end: range.upperBound, classes: classes)
            let end = self == .gpt2 ? scanner.gpt2(start) : scanner.llama(start, self)
            words.append(start..<end)
            start = end
        }
    }
}

private struct Scanner {
    let text: [UInt8]
    let end: Int
    let classes: [UInt8]

    /// The class of the character at `index` and where the next one starts.
    @inline(__always)
    func read(_ index: Int) -> (kind: UInt8, next: Int) {
        let byte = text[index]
        if byte < 0x80 { return (classes[Int(byte)], index + 1) }
        let (value, length) = text.scalar(at: index)
        return (classes[Int(value)], index + length)
    }

    /// Where the run of characters of `kind` that holds all before `index` ends.
    @inline(__always)
    func run(_ kind: UInt8, _ index: Int) -> Int {
        var index = index
        while index < end {
            let next = read(index)
            if next.kind != kind { break }
            index = next.next
        }
        return index
    }

    func gpt2(_ start: Int) -> Int {
        if text[start] == UInt8(ascii: "'"), let end = contraction(start, anyCase: false) {
            return end
        }
        let first = read(start)
        if first.kind != TextClass.space { return run(first.kind, first.next) }
        if text[start] == UInt8(ascii: " "), first.next < end {
            let second = read(first.next)
            if second.kind != TextClass.space { return run(second.kind, second.next) }
        }
        return blank(start)
    }

    func llama(_ start: Int, _ pattern: WordPattern) -> Int {
        let byte = text[start]
        if byte == UInt8(ascii: "'"), let end = contraction(start, anyCase: true) { return end }
        let first = read(start)
        if first.kind == TextClass.letter { return run(first.kind, first.next) }
        let second = first.next < end ? read(first.next) : nil
        if first.kind != TextClass.number, !isLineBreak(start), let second,
            second.kind == TextClass.letter
        {
            return run(TextClass.letter, second.next)
        }
        if first.kind == TextClass.number {
            var end = first.next
            for _ in 0..<(pattern == .llama3 ? 2 : 0) where end < self.end {
                let next = read(end)
                if next.kind != TextClass.number { break }
                end = next.next
            }
            return end
        }
        if first.kind == TextClass.other { return lineBreaks(run(TextClass.other, first.next)) }
        if byte == UInt8(ascii: " "), let second, second.kind == TextClass.other {
            return lineBreaks(run(TextClass.other, second.next))
        }
        // White space up to its last line break.
        let stop = run(TextClass.space, start)
        if let last = text[start..<stop].lastIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
            return last + 1
        }
        return blank(start)
    }

    /// White space from `start` on; where more follows, its last character belongs to that.
    private func blank(_ start: Int) -> Int {
        let stop = run(TextClass.space, start)
        if stop == end { return stop }
        let last = text.scalar(before: stop).start
        return last > start ? last : stop
    }

    @inline(__always)
    private func isLineBreak(_ index: Int) -> Bool { text[index] == 0x0A || text[index] == 0x0D }

    private func lineBreaks(_ index: Int) -> Int {
        var index = index
        while index < end, isLineBreak(index) { index += 1 }
        return index
    }

    /// Where the contraction ends whose apostrophe stands at `start`.
    private func contraction(_ start: Int, anyCase: Bool) -> Int? {
        func letter(_ index: Int) -> UInt8 {
            guard index < end else { return 0 }
            let byte = text[index]
            return anyCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        // Without case, the long s is an s too.
        if anyCase, start + 2 < end, text[start + 1] == 0xC5, text[start + 2] == 0xBF {
            return start + 3
        }
        switch (letter(start + 1), letter(start + 2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
            (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default: return nil
        }
    }
}
