"""Small Parquet files for tests: writes parquet/*.parquet beside this file.

    pip install pyarrow==26.0.1
    python parquet_files.py
"""

import os

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parquet")


def write(name, columns, **options):
    options = {"compression": "NONE", "store_schema": False, **options}
    pq.write_table(pa.table(columns), f"{FOLDER}/{name}.parquet", **options)


texts = pa.string()
os.makedirs(FOLDER, exist_ok=True)
write(
    "scored",
    {
        "split": ["train", "test", "train", "test", "train"],
        "note": ["n" * 40] * 5,
        "sentence1": ["a b", "一", "c", "d\n", "e"],
        "score": pa.array([3.5, 0.1, 2, -1, 0], pa.float32()),
        "sentence2": ["v", "二", "w", "x", "y"],
    },
    row_group_size=2,
    compression="SNAPPY",
)
write("pairs", {"question": ["a", "b"], "answer": ["c", "d"], "vector": [[1.0], [2.0]], "id": [1, 2]})
write("null", {"text": ["a", None, "b"], "text_pos": ["c", "d", "e"]})
write("blank", {"text": ["a", "b", " \t"], "text_pos": ["c", "d", "e"]})
write("nan", {"sentence1": ["a"] * 3, "sentence2": ["b"] * 3, "label": [1.0, float("nan"), float("inf")]})
write("labels", {"sentence1": ["a"] * 2, "sentence2": ["b"] * 2, "label": [True, False]})
write("whole", {"sentence1": ["a"] * 2, "sentence2": ["b"] * 2, "label": pa.array([2**40, 3], pa.int64())})
write("missing_label", {"sentence1": ["a"] * 2, "sentence2": ["b"] * 2, "label": pa.array([1, None], pa.int32())})
write("lists", {"query": ["a"], "pos": [["b"]], "neg": [["c", "d"]]})
write("unknown", {"q": ["a"], "r": ["b"]})
write("empty", {"text": pa.array([], texts), "text_pos": pa.array([], texts)})
bad = pa.Array.from_buffers(texts, 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
write("utf8", {"text": ["c", "d"], "text_pos": bad})
