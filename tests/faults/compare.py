"""What must be true of a result file after a fault: nothing lost, nothing changed, nothing run twice."""
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import same  # noqa: E402

CIRCUMSTANCES = {"job", "kernels/job"}


def rows_of(path, rows):
    """{row: {variable: bytes}} of everything with a row per job, circumstances too: a row that was run again shows."""
    with h5py.File(path, "r") as file:
        found, n = {}, len(file["job_id"])
        file.visititems(lambda name, item: found.__setitem__(name, item)
                        if isinstance(item, h5py.Dataset) and item.shape and item.shape[0] == n
                        and name.split("/")[0] not in ("config", "provenance", "probe", "runs", "timeline") else None)
        content = {name: item[:] for name, item in found.items() if name not in CIRCUMSTANCES}
        return {row: {name: bytes_of(values[row]) for name, values in content.items()} for row in rows}


def bytes_of(value):
    return value if isinstance(value, bytes) else str(value).encode() if isinstance(value, str) \
        else np.ascontiguousarray(value).tobytes()


def changed(before, path):
    """Says what differs now in rows that were there before."""
    now = rows_of(path, before)
    return [f"row {row}: {name}" for row, content in before.items() for name, value in content.items()
            if now[row].get(name) != value]


def differences(whole, path):
    """Variables that differ from the undisturbed file, circumstances excepted."""
    with h5py.File(whole, "r") as a, h5py.File(path, "r") as b:
        if list(a["job_id"][:]) != list(b["job_id"][:]):
            return ["job_id"]
        va, vb = same.variables(a), same.variables(b)
        assert len(va) >= 40 and np.isfinite(a["train_loss"][:]).all(), "the undisturbed file proves nothing"
        return sorted(va.keys() ^ vb.keys()) + [
            name for name in sorted(va.keys() & vb.keys())
            if va[name].shape != vb[name].shape
            or same.bits(np.ascontiguousarray(va[name][:])) != same.bits(np.ascontiguousarray(vb[name][:]))]


def beside(path):
    """What lies beside the result file that a complete run takes away."""
    folder, name = os.path.split(path)
    return sorted(entry for entry in os.listdir(folder) if entry.startswith(name) and entry != name)
