"""The order of shuffled streams by an implementation of its own: writes streams.json beside this file.

Files of 13, 7 and 1 rows that are numbered through. The rule is in Sources/Records/RecordStream.swift.
"""

import json
import os

MASK = 2**64 - 1
STEP = 0x9E3779B97F4A7C15
FILES = [list(range(0, 13)), list(range(13, 20)), [20]]


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Random:
    def __init__(self, seed, stream, use):
        self.state = mix(mix(mix((seed + STEP) & MASK) ^ ((stream * STEP) & MASK)) ^ use)

    def below(self, bound):
        while True:
            self.state = (self.state + STEP) & MASK
            product = mix(self.state) * bound
            if product & MASK >= 2**64 % bound:
                return product >> 64

    def permutation(self, count):
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def order(seed, epoch, buffer):
    random = Random(seed, epoch, int.from_bytes(b"stream", "big"))
    held, out = [], []
    for file in random.permutation(len(FILES)):
        for row in FILES[file]:
            if len(held) < buffer:
                held.append(row)
                continue
            place = random.below(buffer)
            out.append(held[place])
            held[place] = row
    return out + [held[place] for place in random.permutation(len(held))]


cases = [(42, 0, 4), (42, 1, 4), (42, 2, 4), (42, 0, 1), (42, 0, 20), (42, 0, 21), (42, 0, 22), (42, 7, 1000)]
cases += [(0, 0, 4), (2**64 - 1, 3, 6), (1, 0, 13), (5, 100, 2)]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "streams.json"), "w") as file:
    lines = [
        json.dumps({"seed": str(seed), "epoch": epoch, "buffer": buffer, "order": order(seed, epoch, buffer)})
        for seed, epoch, buffer in cases
    ]
    file.write("[\n" + ",\n".join(lines) + "\n]\n")
