"""Chooses few and small inputs that reach everything that all inputs reach.

    python choose_inputs.py CONTROL BYTES < names    prints the names of those chosen, at most BYTES bytes in all

CONTROL is the control file of a merge by libFuzzer: the names of the inputs, and for each the features it reaches. The
choice is greedy: the input with the most features not yet reached for its size comes next.
"""

import sys
from pathlib import Path

# A file costs something beyond its bytes.
COST_OF_A_FILE = 100


def read(control):
    lines = control.read_text().splitlines()
    count = int(lines[0])
    names = lines[2 : 2 + count]
    features = {}
    for line in lines[2 + count :]:
        kind, *numbers = line.split()
        if kind == "FT":
            features[names[int(numbers[0])]] = set(map(int, numbers[1:]))
    return features


def choose(features, limit):
    sizes = {name: Path(name).stat().st_size for name in features}
    left, chosen, total = dict(features), [], 0
    everything = set().union(*features.values()) if features else set()
    missing = set(everything)
    while missing:
        fitting = [name for name in left if sizes[name] <= limit - total]
        if not fitting:
            break
        best = max(fitting, key=lambda n: (len(left[n] & missing) / (sizes[n] + COST_OF_A_FILE), n))
        if not left[best] & missing:
            break
        missing -= left.pop(best)
        total += sizes[best]
        chosen.append(best)
    reached = len(everything) - len(missing)
    print(
        f"{len(chosen)} of {len(features)} inputs, {total} bytes, reach {reached} of {len(everything)} features",
        file=sys.stderr,
    )
    return chosen


if __name__ == "__main__":
    for name in choose(read(Path(sys.argv[1])), int(sys.argv[2])):
        print(name)
