"""Makes Tests/Fixtures/torch: small files of torch.save in each form, and their numbers as safetensors.

    python torch_files.py FOLDER     needs torch, safetensors and numpy
"""

import collections
import io
import pickle
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file


def state_dict():
    torch.manual_seed(7)
    big = torch.randn(200)
    matrix = torch.randn(5, 7)
    state = collections.OrderedDict()
    state["plain"] = torch.randn(3, 4)
    state["transposed"] = matrix.t()
    state["untransposed"] = matrix
    state["swapped"] = torch.randn(2, 3, 4).permute(2, 0, 1)
    state["every_third"] = big[5:125:3]
    state["window"] = big[40:100].view(6, 10)[1:5, 2:9]
    state["column"] = big[:60].view(6, 10)[:, 3]
    state["expanded"] = torch.randn(1, 3).expand(4, 3)
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    state["one_row"] = big[17:27].view(1, 10)
    state["half"] = torch.randn(4, 6).half()
    state["half_transposed"] = torch.randn(4, 6).half().t()
    state["bfloat"] = torch.randn(4, 6).bfloat16()
    state["bfloat_strided"] = torch.randn(9, 6).bfloat16()[::2, 1::2]
    state["double"] = torch.randn(5, dtype=torch.float64)
    state["double_transposed"] = torch.randn(3, 2, dtype=torch.float64).t()
    state["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
    state["tied"] = state["plain"]
    state["größe"] = torch.randn(2)
    state["ids"] = torch.arange(6)
    state["flags"] = torch.tensor([True, False])
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    return state


def expected(state):
    return {
        name: tensor.detach().to(torch.float32).contiguous().clone()
        for name, tensor in state.items()
        if tensor.dtype.is_floating_point
    }


def rewrite(source, target, method=zipfile.ZIP_STORED, replace=None):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = (replace or {}).get(name.split("/")[-1], old.read(name))
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            new.writestr(info, data)


def tar_archive(state, path):
    """The form of PyTorch 0.1, which no current version writes: three files, tensors known by number."""
    storages, tensors, numbers = io.BytesIO(), io.BytesIO(), {}
    keys = {}
    for tensor in state.values():
        address = tensor.untyped_storage().data_ptr()
        keys.setdefault(address, (1000 + len(keys), tensor))
    pickle.dump(len(keys), storages, protocol=2)
    for key, tensor in keys.values():
        storage = tensor.storage()
        pickle.dump((key, "cpu", type_of(tensor, "Storage")), storages, protocol=2)
        storages.write(struct.pack("<q", storage.size()))
        storages.write(bytes(storage.untyped()))
    # Storage 5000 is a view of the storage of "every_third", from its element 40 on.
    root, tensor = keys[state["every_third"].untyped_storage().data_ptr()]
    pickle.dump([(5000, root, 40, 60)], storages, protocol=2)
    names = list(state)
    pickle.dump(len(names), tensors, protocol=2)
    for index, name in enumerate(names):
        tensor = state[name]
        key = keys[tensor.untyped_storage().data_ptr()][0]
        offset = tensor.storage_offset()
        if name == "window":
            key, offset = 5000, offset - 40
        numbers[name] = 9000 + index
        pickle.dump((9000 + index, key, type_of(tensor, "Tensor")), tensors, protocol=2)
        tensors.write(struct.pack("<ii", tensor.dim(), 0x5A5A))
        tensors.write(struct.pack(f"<{tensor.dim()}q", *tensor.size()))
        tensors.write(struct.pack(f"<{tensor.dim()}q", *tensor.stride()))
        tensors.write(struct.pack("<q", offset))

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return str(value.number) if isinstance(value, Reference) else None

    body = io.BytesIO()
    Pickler(body, protocol=2).dump(
        collections.OrderedDict((name, Reference(numbers[name])) for name in names)
    )
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in [
            ("sys_info", pickle.dumps({"little_endian": True}, protocol=2)),
            ("pickle", body.getvalue()),
            ("tensors", tensors.getvalue()),
            ("storages", storages.getvalue()),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


class Reference:
    def __init__(self, number):
        self.number = number


def type_of(tensor, ending):
    names = {
        torch.float32: "Float",
        torch.float16: "Half",
        torch.float64: "Double",
        torch.int64: "Long",
        torch.bool: "Bool",
        torch.bfloat16: "BFloat16",
    }
    return getattr(torch, names[tensor.dtype] + ending)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    state = state_dict()
    numbers = expected(state)
    save_file(numbers, folder / "views.safetensors")
    torch.save(state, folder / "views.bin")
    torch.save(state, folder / "protocol5.bin", pickle_protocol=5)
    torch.save(state, folder / "legacy.bin", _use_new_zipfile_serialization=False)
    rewrite(folder / "views.bin", folder / "deflated.bin", zipfile.ZIP_DEFLATED)
    rewrite(folder / "views.bin", folder / "big-endian.bin", replace={"byteorder": b"big"})
    # Not in the old archive: it has no bool; no empty tensors, whose storages share the address 0.
    old = collections.OrderedDict(
        (name, tensor.detach()) for name, tensor in state.items() if name not in ("flags", "empty")
    )
    tar_archive(old, folder / "tar.bin")
    new = {"f8": torch.ones(3).to(torch.float8_e4m3fn), "u16": torch.ones(2, dtype=torch.uint16)}
    torch.save(new | {"w": torch.ones(2)}, folder / "new-types.bin")
    # What must be refused.
    torch.save(torch.nn.Linear(2, 2), folder / "module.bin")
    torch.save({"state_dict": {"w": torch.ones(2)}, "epoch": 3}, folder / "nested.bin")
    torch.save({"w": numpy.float32(1)}, folder / "numpy.bin")
    torch.save([torch.ones(2)], folder / "list.bin")
    torch.save(
        {"w": torch.tensor([[0.0, 1.0]]).to_sparse()}, folder / "sparse.bin"
    )
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(folder / "script.bin"))

    for name in ["views", "protocol5", "legacy", "deflated", "tar"]:
        got = torch.load(folder / f"{name}.bin", weights_only=name not in ("tar", "protocol5"))
        wanted = {k: v for k, v in numbers.items() if name != "tar" or k in old}
        for key, value in wanted.items():
            assert torch.equal(got[key].to(torch.float32), value), (name, key)
    for file in sorted(folder.iterdir()):
        assert file.stat().st_size <= 20_480, file
        print(file.stat().st_size, file.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
