#!/usr/bin/env python3
"""Writes the Parquet files of this folder, and what should be read from them (expected.json).

    pip install pyarrow pandas && python3 generate.py

All texts are our own. Written with pyarrow 26.0.1 and pandas 3.1.1; other versions give other bytes, but the same rows.
Numbers in expected.json are written as the shortest text that reads back to the same number of that width.
"""

import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

here = os.path.dirname(os.path.abspath(__file__))
expected = {"tables": {}, "files": {}}

kinds = {
    pa.string(): "text", pa.large_string(): "text", pa.binary(): "text", pa.bool_(): "bool",
    pa.float32(): "float", pa.float64(): "double", pa.null(): "null",
    pa.date32(): "a date", pa.timestamp("us"): "a timestamp", pa.decimal128(5, 2): "a decimal number",
    pa.float16(): "a float16", pa.binary(4): "bytes of a fixed length (FIXED_LEN_BYTE_ARRAY)",
    pa.timestamp("ns"): "an INT96 timestamp", pa.time64("us"): "a time",
}


def kind(type):
    if pa.types.is_dictionary(type):
        return kind(type.value_type)
    if pa.types.is_integer(type):
        return str(type)
    if pa.types.is_map(type):
        return "a map"
    if pa.types.is_list(type) or pa.types.is_fixed_size_list(type):
        return "a list"
    if pa.types.is_struct(type):
        return "a struct"
    return kinds[type]


def value(scalar, type):
    found = scalar.as_py()
    if found is None:
        return None
    if type == pa.float32():
        return str(np.float32(found))
    if type == pa.float64():
        return repr(float(found))
    return found.decode() if isinstance(found, bytes) else found


def rows(table):
    flat = [
        i for i, f in enumerate(table.schema)
        if not kind(f.type).startswith(("a ", "an ", "bytes "))
    ]
    return [
        [value(table.column(i)[row], table.schema[i].type) for i in flat]
        for row in range(table.num_rows)
    ]


def describe(name, table):
    columns = [[f.name, kind(f.type), f.nullable] for f in table.schema]
    expected["tables"][name] = {"columns": columns, "rows": rows(table)}


def write(file, name, table, **options):
    defaults = {"write_statistics": False, "store_schema": False, "compression": "none"}
    pq.write_table(table, os.path.join(here, file), **{**defaults, **options})
    expected["files"][file] = name


texts = [
    "How do I keep bread fresh?", "Wrap it in a cloth and keep it in a box.", "",
    "Wie spät ist es in Tōkyō?", "東京は今何時ですか", "面包怎么保存才不会变硬？", "用布包好，放进盒子里。",
    "naïve café — “quoted”\tand\nbroken", "\u00e9 is not e\u0301", "emoji 🥖🧺 and \x00 a zero byte",
]


def matrix(count=37):
    def maybe(values, every):
        return [None if i % every == every - 1 else v for i, v in enumerate(values)]

    numbers = range(count)
    return pa.table({
        "text": pa.array(maybe([texts[i % 10] + str(i) for i in numbers], 5)),
        "answer": pa.array(["the answer is " + "no" * (i % 4) for i in numbers]),
        "id": pa.array([i * i - 40 for i in numbers], pa.int64()),
        "small": pa.array(maybe([(-1) ** i * (i * 77777) for i in numbers], 7), pa.int32()),
        "score": pa.array(maybe([i / 10 for i in numbers], 6), pa.float32()),
        "weight": pa.array([i / 7 for i in numbers], pa.float64()),
        "good": pa.array(maybe([i % 3 == 0 or i > 30 for i in numbers], 4)),
    }, schema=pa.schema([
        pa.field("text", pa.string()), pa.field("answer", pa.string(), False),
        pa.field("id", pa.int64(), False), pa.field("small", pa.int32()),
        pa.field("score", pa.float32()), pa.field("weight", pa.float64(), False),
        pa.field("good", pa.bool_()),
    ]))


def write_matrix():
    table = matrix()
    describe("matrix", table)
    encodings = {
        "plain": {"use_dictionary": False},
        "dictionary": {"use_dictionary": True},
        "delta": {"use_dictionary": False, "column_encoding": {
            "text": "DELTA_LENGTH_BYTE_ARRAY", "answer": "DELTA_BYTE_ARRAY",
            "id": "DELTA_BINARY_PACKED", "small": "DELTA_BINARY_PACKED",
            "score": "BYTE_STREAM_SPLIT", "weight": "BYTE_STREAM_SPLIT", "good": "RLE"}},
        "delta2": {"use_dictionary": False, "column_encoding": {
            "text": "DELTA_BYTE_ARRAY", "answer": "DELTA_LENGTH_BYTE_ARRAY",
            "id": "BYTE_STREAM_SPLIT", "small": "BYTE_STREAM_SPLIT", "good": "PLAIN"}},
    }
    for encoding, options in encodings.items():
        for codec in ["none", "snappy", "gzip", "zstd"]:
            for version in ["1.0", "2.0"]:
                if encoding == "delta2" and codec in ("gzip", "zstd"):
                    continue
                write(f"{encoding}-{codec}-v{version[0]}.parquet", "matrix", table,
                      compression=codec, data_page_version=version, **options)
    # The reader's other ways: small pages, odd batches, checksums, several row groups, statistics and indices.
    write("pages.parquet", "matrix", table, data_page_size=1, write_batch_size=3,
          write_page_checksum=True, write_statistics=True)
    write("groups.parquet", "matrix", table, row_group_size=10, compression="snappy",
          write_page_checksum=True, data_page_version="2.0", write_page_index=True,
          write_statistics=True)
    write("fallback.parquet", "matrix", table, dictionary_pagesize_limit=60, write_batch_size=5,
          data_page_size=1)
    write("old.parquet", "matrix", table, version="1.0", use_dictionary=True, compression="gzip")
    write("checksum.parquet", "matrix", table, write_page_checksum=True)


def write_integers():
    columns, schema = {}, []
    for bits in (8, 16, 32, 64):
        for name, low, high in (
            (f"int{bits}", -2 ** (bits - 1), 2 ** (bits - 1) - 1), (f"uint{bits}", 0, 2 ** bits - 1)):
            columns[name] = [low, high, 0, None, 1, high - 1, low + 1, high // 2]
            schema.append(pa.field(name, getattr(pa, name)()))
    table = pa.table(columns, schema=pa.schema(schema))
    describe("integers", table)
    write("integers-plain.parquet", "integers", table, use_dictionary=False)
    write("integers-dictionary.parquet", "integers", table)
    write("integers-delta.parquet", "integers", table, use_dictionary=False,
          column_encoding={f.name: "DELTA_BINARY_PACKED" for f in schema})


def write_floats():
    special = [0.1, -0.0, float("inf"), float("-inf"), 1e-40, 16777216.0, None, 3.4e38, 1 / 3]
    table = pa.table({"float": pa.array(special, pa.float32()), "double": pa.array(special)})
    describe("floats", table)
    write("floats.parquet", "floats", table)


def write_nulls():
    n = 300
    table = pa.table({
        "all": pa.array([None] * n, pa.string()),
        "runs": pa.array(["a" if i // 40 % 2 else None for i in range(n)]),
        "first": pa.array([None] + ["b" * (i % 3) for i in range(n - 1)]),
        "alternating": pa.array([i if i % 2 else None for i in range(n)], pa.int16()),
        "nothing": pa.nulls(n),
        "none": pa.array([1.5] * n),
    })
    describe("nulls", table)
    for version in ("1.0", "2.0"):
        write(f"nulls-v{version[0]}.parquet", "nulls", table, data_page_version=version,
              compression="snappy", write_batch_size=64, data_page_size=10)


def write_shapes():
    schema = pa.schema([pa.field("text", pa.string()), pa.field("label", pa.int32())])
    empty = pa.table({"text": [], "label": []}, schema=schema)
    describe("empty", empty)
    write("no-rows.parquet", "empty", empty)
    pq.ParquetWriter(os.path.join(here, "no-groups.parquet"), schema).close()
    expected["files"]["no-groups.parquet"] = "empty"

    some = pa.table({"text": ["one", "two", "three"], "label": [1, None, 3]}, schema=schema)
    describe("some", some)
    with pq.ParquetWriter(os.path.join(here, "empty-groups.parquet"), schema) as writer:
        for part in (empty, some.slice(0, 2), empty, some.slice(2), empty):
            writer.write_table(part)
    expected["files"]["empty-groups.parquet"] = "some"

    types = pa.table({
        "large": pa.array(["a", None, "ç"], pa.large_string()),
        "category": pa.array(["x", "y", "x"]).dictionary_encode(),
        "bytes": pa.array([b"plain", b"bytes", None], pa.binary()),
        "long": ["l" * 5000, "", "m" * 300],
    })
    describe("types", types)
    write("types.parquet", "types", types, store_schema=True)
    write("types-pages.parquet", "types", types, data_page_size=1, write_batch_size=1,
          compression="zstd", column_encoding={"long": "DELTA_BYTE_ARRAY"}, use_dictionary=False)

    nested = pa.table({
        "before": ["a", None, "c"],
        "list": [["x"], [], None],
        "struct": [{"text": "inside", "n": 1}, None, {"text": None, "n": 2}],
        "middle": [1, 2, 3],
        "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
        "date": pa.array([1, 2, None], pa.date32()),
        "time": pa.array([1, 2, None], pa.timestamp("us")),
        "decimal": pa.array([None] * 3, pa.decimal128(5, 2)),
        "half": pa.array([None] * 3, pa.float16()),
        "four": pa.array([b"1234", None, b"5678"], pa.binary(4)),
        "vector": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)),
        "after": [1.5, None, 2.5],
    })
    describe("nested", nested)
    write("nested.parquet", "nested", nested, write_batch_size=2, data_page_size=1)

    moments = pa.table({"text": ["a", "b"], "moment": pa.array([1, None], pa.timestamp("ns"))})
    describe("moments", moments)
    write("int96.parquet", "moments", moments, use_deprecated_int96_timestamps=True)

    only = pa.table({"list": [[1], [2]]})
    describe("only-nested", only)
    write("only-nested.parquet", "only-nested", only)


def write_metadata():
    # As pandas writes: an index, categories, its own metadata.
    frame = pd.DataFrame({
        "sentence1": texts[:4], "sentence2": texts[4:8], "label": [0.5, 1.0, 0.0, 0.25],
        "split": pd.Categorical(["train", "train", "test", "train"]),
    }, index=[10, 20, 30, 40])
    frame.to_parquet(os.path.join(here, "pandas.parquet"))
    table = pq.read_table(os.path.join(here, "pandas.parquet"))
    describe("pandas", table)
    expected["files"]["pandas.parquet"] = "pandas"

    # As the datasets library writes: its features in the metadata, pages in row groups of 1000 or less.
    features = {"info": {"features": {
        "query": {"dtype": "string", "_type": "Value"}, "label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}
    table = pa.table({"query": texts, "label": pa.array([i % 2 for i in range(10)], pa.int64())})
    table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    describe("hugging", table)
    write("hugging.parquet", "hugging", table, compression="snappy", store_schema=True,
          write_statistics=True, write_page_index=True)


def write_bad():
    # Compressed with what is not supported; what is damaged is made by the tests.
    table = pa.table({"text": ["a", "b"] * 20})
    describe("bad", table)
    for codec in ("lz4", "brotli"):
        write(f"bad-{codec}.parquet", "bad", table, compression=codec)
    bytes = pa.table({"bytes": pa.array([b"fine", b"\xff\xfe"], pa.binary())})
    for name, dictionary in (("bad-utf8.parquet", False), ("bad-utf8-dictionary.parquet", True)):
        pq.write_table(bytes, os.path.join(here, name), store_schema=False, use_dictionary=dictionary)
    same = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    describe("same", same)
    write("same-names.parquet", "same", same)


write_matrix()
write_integers()
write_floats()
write_nulls()
write_shapes()
write_metadata()
write_bad()
with open(os.path.join(here, "expected.json"), "w", encoding="utf-8") as file:
    file.write("{\n\"tables\": {\n")
    tables = []
    for name, table in expected["tables"].items():
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in table["rows"])
        tables.append(f"{json.dumps(name)}: {{\"columns\": {json.dumps(table['columns'])}, \"rows\": [\n{lines}\n]}}")
    file.write(",\n".join(tables) + "\n},\n\"files\": " + json.dumps(expected["files"], indent=1) + "}\n")
