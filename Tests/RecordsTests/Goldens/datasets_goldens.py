"""What numpy and Hugging Face's datasets answer, for tests of splits: writes datasets.json beside this file.

    pip install datasets==5.2.0 numpy==2.4.6
    python datasets_goldens.py
"""

import json
import os
import tempfile

import datasets
import numpy as np
from datasets.data_files import DataFilesDict, get_data_patterns

SEEDS = [0, 1, 42, 43, 2**32 - 1, 2**32, 12345678901234567, 2**63, 2**64 - 1]
COUNTS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100, 257, 1000, 5749, 65535, 65536, 65537, 70001, 300007]


def order(rows):
    """All of a short list; of a long one its ends and a sum that sees every place."""
    rows = [int(row) for row in rows]
    if len(rows) <= 17:
        return {"all": rows}
    total = sum((place + 1) * row for place, row in enumerate(rows)) % 2**64
    return {"count": len(rows), "head": rows[:6], "tail": rows[-6:], "sum": str(total)}


def permutations():
    for seed in SEEDS:
        for count in COUNTS if seed in (0, 42) else COUNTS[::3]:
            rows = np.random.default_rng(seed).permutation(count)
            yield {"seed": str(seed), "count": count, "order": order(rows)}


def words():
    for seed in SEEDS:
        bits = np.random.PCG64(seed)
        functions, state = bits.ctypes, bits.ctypes.state_address
        drawn = []
        for size in (32, 64, 32, 32, 64, 64, 32):
            draw = functions.next_uint32 if size == 32 else functions.next_uint64
            drawn.append([size, str(draw(state))])
        yield {"seed": str(seed), "drawn": drawn}


def bounded():
    # RandomState draws by masks and rejection, as Generator.permutation does.
    for seed in (0, 42):
        for limit in (1, 6, 1000, 2**31, 2**32 - 2, 2**32, 2**32 + 5, 2**40 + 3, 2**63 + 1):
            random = np.random.RandomState(np.random.PCG64(seed))
            drawn = random.randint(0, limit + 1, size=12, dtype=np.uint64)
            yield {"seed": str(seed), "limit": str(limit), "drawn": [str(value) for value in drawn]}


def splits():
    cases = [
        dict(count=10, test_size=0.3, seed=42), dict(count=10, test_size=0.25, seed=42),
        dict(count=10, seed=42), dict(count=10, train_size=0.25, seed=7), dict(count=10, train_size=4, seed=7),
        dict(count=11, test_size=0.1, seed=0), dict(count=11, test_size=3, seed=0),
        dict(count=11, test_size=0.2, train_size=0.5, seed=3), dict(count=11, test_size=3, train_size=5, seed=3),
        dict(count=11, test_size=3, train_size=0.4, seed=3), dict(count=11, test_size=0.35, train_size=2, seed=3),
        dict(count=10, test_size=0.7, train_size=0.3, seed=1), dict(count=2, test_size=0.001, seed=1),
        dict(count=2, test_size=0.999, seed=1), dict(count=1, test_size=0.5, seed=1), dict(count=1, seed=1),
        dict(count=10, test_size=0.3, shuffle=False), dict(count=10, test_size=2, train_size=5, shuffle=False),
        dict(count=10, train_size=0.61, shuffle=False), dict(count=5749, test_size=0.1, seed=42),
        dict(count=1000, test_size=0.1, seed=42), dict(count=2000, test_size=0.05, train_size=0.5, seed=2**64 - 1),
        dict(count=70000, test_size=0.1, seed=42), dict(count=70000, test_size=1234, train_size=50000, seed=5),
        dict(count=10, test_size=0.0, seed=1), dict(count=10, test_size=1.0, seed=1),
        dict(count=10, test_size=-0.1, seed=1), dict(count=10, test_size=1.5, seed=1),
        dict(count=10, test_size=10, seed=1), dict(count=10, test_size=0, seed=1), dict(count=10, test_size=-1, seed=1),
        dict(count=10, train_size=10, seed=1), dict(count=10, train_size=0.0, seed=1),
        dict(count=10, test_size=0.6, train_size=0.5, seed=1), dict(count=3, test_size=0.5, train_size=0.6, seed=1),
        dict(count=10, test_size=6, train_size=5, seed=1), dict(count=3, test_size=0.9, seed=1),
        dict(count=10, test_size=9, train_size=0.1, seed=1), dict(count=10, test_size=9, train_size=0.2, seed=1),
        dict(count=10, train_size=0.05, seed=1), dict(count=3, test_size=0.34, train_size=0.66, seed=1),
    ]
    # Shares whose product with the count is a rounding away from a whole number.
    for count in (10, 29, 100, 1000, 5231):
        for share in (0.07, 0.1, 0.14, 0.28, 0.29, 0.57, 0.58, 0.1 + 0.2):
            cases.append(dict(count=count, test_size=share, seed=2))
            cases.append(dict(count=count, train_size=share, seed=2))
    for case in cases:
        arguments = dict(case)
        data = datasets.Dataset.from_dict({"row": list(range(arguments.pop("count")))})
        answer = {key: str(value) if key == "seed" else value for key, value in case.items()}
        try:
            parts = data.train_test_split(**arguments)
            answer.update({name: order(parts[name]["row"]) for name in ("train", "test")})
        except ValueError as error:
            answer["error"] = str(error)
        yield answer


def folders():
    trees = [
        ["train.jsonl", "dev.csv", "test.tsv"], ["train.json", "validation.json"], ["a.jsonl", "b.jsonl"],
        ["training.csv", "valid.csv", "eval.csv"], ["train.csv", "val.csv", "evaluation.csv"],
        ["my_train_file.csv", "my-dev-file.csv", "testing 1.csv"], ["trained.csv", "pretrain.csv", "contest.csv"],
        ["00_train.jsonl", "train1.jsonl", "1test.jsonl"], ["data.train.jsonl", "data.test.jsonl"],
        ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "test-00000-of-00001.parquet"],
        ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"],
        ["data/train-00000-of-00002-0123456789abcdef.parquet", "data/other-00000-of-00001.parquet", "test.csv"],
        ["data/zeta-00000-of-00001.csv", "data/alpha-00000-of-00001.csv", "data/validation-00000-of-00001.csv"],
        ["data/train.csv", "data/test.csv"], ["train/a.csv", "train/b.csv", "test/a.csv"],
        ["train/x/a.csv", "dev/x/y/b.csv"], ["data/train/a.csv", "data/test/b.csv", "data/val/c.csv"],
        ["my-train/a.csv", "my-test/a.csv"], ["train_1/a.csv", "test.2/a.csv"], ["x_train_y/a.csv", "x_dev_y/a.csv"],
        ["train.csv", "test/a.csv"], ["train.csv", "README.md", "dataset_infos.json", "config.json"],
        ["train.csv", "other.csv"], ["deep/er/train.jsonl", "deep/er/test.jsonl"], [".hidden/train.csv", "test.csv"],
        [".train.csv", "dev.csv"], ["__cache__/train.csv", "test.csv"], ["atrain/a.csv", "b.csv"],
        ["datas/train-00000-of-00001.csv", "datas/odd-00000-of-00001.csv"], ["train.jsonl.gz", "test.jsonl.gz"],
        ["dev_train/a.txt.csv", "plain.csv"], ["data/train-00000-of-00001", "data/test-00000-of-00001.csv"],
        ["xdata/train-00000-of-00001.csv"],
    ]
    for tree in trees:
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder) + "/set"
            for name in tree:
                os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
                open(f"{folder}/{name}", "w").close()
            found = DataFilesDict.from_patterns(get_data_patterns(folder), base_path=folder)
            yield {
                "files": tree,
                "splits": [
                    [str(split), sorted({os.path.relpath(str(file), folder) for file in files})]
                    for split, files in found.items()
                ],
            }


if __name__ == "__main__":
    parts = dict(permutations=permutations, words=words, bounded=bounded, splits=splits, folders=folders)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "datasets.json"), "w") as file:
        made = {"numpy": np.__version__, "datasets": datasets.__version__}
        lines = [f'"made_with": {json.dumps(made)}']
        for name, part in parts.items():
            lines.append(f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in part()) + "\n]")
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
