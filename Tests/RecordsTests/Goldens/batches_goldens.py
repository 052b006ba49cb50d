"""What torch and sentence-transformers answer, for tests of batch orders: writes batches.json beside this file.

    pip install torch==2.15.0 sentence-transformers==6.2.0 datasets==5.2.0 numpy==2.4.6
    python batches_goldens.py
"""

import json
import os

import datasets
import numpy as np
import sentence_transformers
import torch
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler, RoundRobinBatchSampler
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, SequentialSampler

from datasets_goldens import order

SEEDS = [0, 1, 42, 2**31, 2**32 - 1, 2**32 + 7, 2**63 + 5, 2**64 - 1]
COUNTS = [0, 1, 2, 3, 10, 33, 623, 624, 625, 1249, 20000, 32767, 32768, 65536, 100000]


def words():
    for seed in SEEDS:
        random = torch.Generator().manual_seed(seed)
        drawn = [torch.empty((), dtype=torch.int64).random_(generator=random).item() for _ in range(700)]
        yield {"seed": str(seed), "drawn": order(drawn)}


def permutations():
    for seed in SEEDS:
        for count in COUNTS if seed in (0, 42) else COUNTS[::3]:
            random = torch.Generator().manual_seed(seed)
            rows = torch.randperm(count, generator=random)
            after = torch.empty((), dtype=torch.int64).random_(generator=random).item()
            yield {"seed": str(seed), "count": count, "order": order(rows), "after": str(after)}


def inside_out():
    """The rule for large counts, from its description, on the Mersenne Twister of numpy."""
    for seed in (0, 42, 2**32 - 1):
        for count in (0, 1, 2, 10, 1000):
            random, rows = np.random.MT19937(), list(range(count))
            random._legacy_seeding(seed)
            for place in range(count):
                high, low = (int(word) for word in random.random_raw(2))
                other = (high << 32 | low) % (place + 1)
                rows[place], rows[other] = rows[other], rows[place]
            yield {"seed": str(seed), "count": count, "order": order(rows)}


def loaders():
    """Four epochs of a loader that shuffles, with another one gone through after each epoch or without."""
    for seed in (0, 42, 2**32 + 7):
        for count in (1, 13, 1000):
            for validation in (0, 5):
                for workers in (0, 2):
                    if workers and count == 1000:
                        continue
                    torch.manual_seed(seed)
                    train = DataLoader(range(count), batch_size=4, shuffle=True, num_workers=workers, collate_fn=list)
                    other = DataLoader(range(validation), batch_size=4, num_workers=workers, collate_fn=list)
                    epochs = []
                    for _ in range(4):
                        epochs.append(order([row for batch in train for row in batch]))
                        if validation:
                            assert len([batch for batch in other]) == 2
                    yield {"seed": str(seed), "count": count, "validates": validation > 0, "epochs": epochs}


def no_duplicates():
    """The sampler's batches, and the order of rows that it went through."""
    random = np.random.default_rng(3)
    for count, texts, columns, size in [
        (0, 5, 2, 4), (1, 5, 2, 4), (40, 1, 2, 4), (40, 12, 2, 1), (60, 10**6, 3, 8), (60, 40, 2, 8), (60, 40, 3, 8),
        (60, 9, 2, 4), (60, 9, 3, 4), (61, 200, 2, 16), (200, 30, 2, 7), (200, 25, 3, 7), (90, 3, 1, 4), (90, 4, 3, 2),
    ]:
        rows = random.integers(0, texts, size=(count, columns)).tolist()
        if count:
            table = {f"c{index}": [f"t{row[index]}" for row in rows] for index in range(columns)}
            sampler = NoDuplicatesBatchSampler(
                datasets.Dataset.from_dict(table), size, drop_last=False, generator=torch.Generator(), seed=5)
            batches = [[int(row) for row in batch] for batch in sampler]
        else:
            batches = []
        went = torch.randperm(count, generator=torch.Generator().manual_seed(5)).tolist()
        yield {"rows": rows, "size": size, "order": went, "batches": batches}


def round_robin():
    for counts in ([3, 2], [1], [2, 2, 2], [4, 1, 3], [5, 0, 2]):
        data = [datasets.Dataset.from_dict({"row": list(range(count))}) for count in counts]
        samplers = [BatchSampler(SequentialSampler(part), 1, False) for part in data]
        starts = np.cumsum([0] + counts)
        turns = []
        for (row,) in RoundRobinBatchSampler(ConcatDataset(data), samplers):
            part = int(np.searchsorted(starts, row, side="right")) - 1
            turns.append([part, int(row - starts[part])])
        yield {"counts": counts, "turns": turns}


def mixture():
    """Turns in the order that must never change, from its description."""
    mask, step = 2**64 - 1, 0x9E3779B97F4A7C15

    def mix(value):
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
        return value ^ (value >> 31)

    for seed, epoch, counts in [
        (42, 0, [5, 3]), (42, 1, [5, 3]), (0, 0, [4, 0, 6, 2]), (2**64 - 1, 7, [1, 2, 3]), (42, 3, [700, 300, 9]),
        (1, 0, [6]), (1, 0, []), (1, 0, [0, 0]),
    ]:
        state = mix(mix(mix((seed + step) & mask) ^ (epoch * step & mask)) ^ int.from_bytes(b"mixture", "big"))
        turns = [part for part, count in enumerate(counts) for _ in range(count)]
        for last in range(len(turns) - 1, 0, -1):
            bound = last + 1
            while True:
                state = (state + step) & mask
                product = mix(state) * bound
                if product & mask >= 2**64 % bound:
                    break
            other = product >> 64
            turns[last], turns[other] = turns[other], turns[last]
        yield {"seed": str(seed), "epoch": epoch, "counts": counts, "datasets": order(turns)}


if __name__ == "__main__":
    parts = dict(
        words=words, permutations=permutations, inside_out=inside_out, loaders=loaders, no_duplicates=no_duplicates,
        round_robin=round_robin, mixture=mixture)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "batches.json"), "w") as file:
        made = {
            "torch": torch.__version__, "sentence-transformers": sentence_transformers.__version__,
            "datasets": datasets.__version__, "numpy": np.__version__,
        }
        lines = [f'"made_with": {json.dumps(made)}']
        for name, part in parts.items():
            lines.append(f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in part()) + "\n]")
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
