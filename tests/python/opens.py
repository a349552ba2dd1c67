"""A result file as its readers see it: h5py, and xarray through h5netcdf.

    opens.py FILE.h5      finished, running or new
"""
import re
import sys
import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np

COLUMNS = ["job_id", "architecture", "trainer", "schedule", "refresh_period", "seed", "feature_updates"]
OUTSIDE_CRC = {"/status", "/crc", "/engine_planned"} | {f"/predicted_seconds_{e}" for e in ("tangent", "kernel", "filter")}


def described_order():
    """Names of FORMAT.md's tables of the result file, in order: the order of the checksum."""
    text = (Path(__file__).resolve().parents[2] / "FORMAT.md").read_text().split("## The trace")[0]
    return re.findall(r"^\| `(/[^`]+)` \|", text, flags=re.M)


def checksum(file, job):
    """The checksum of a row, computed from FORMAT.md's words alone."""
    columns = {"/" + name for name in file["test_loss"].attrs["coordinates"].split()}
    columns |= {"/kernels" + name for name in columns}
    crc = 0
    for name in described_order():
        if name not in file or name in columns | OUTSIDE_CRC or re.match(r"/(config|probe|runs|timeline)/", name):
            continue
        dataset = file[name]
        if h5py.h5ds.is_scale(dataset.id):
            continue
        row = dataset[job]
        row = bytes(row).ljust(dataset.dtype.itemsize, b"\0") if dataset.dtype.kind == "S" else np.asarray(row).tobytes()
        crc = zlib.crc32(row, crc)
    return crc


def check_checksums(path):
    with h5py.File(path) as file:
        done = np.flatnonzero(file["status"][:] == 2)
        for job in done:
            crc = checksum(file, job)
            assert crc == file["crc"][job], f"job {job}: checksum {file['crc'][job]:08x}, its bytes have {crc:08x}"
        return len(done)


def check_xarray(path, group):
    import xarray as xr   # takes a second, which those that want a checksum only need not wait
    dataset = xr.open_dataset(path, engine="h5netcdf", group=group)
    axes = xr.open_dataset(path, engine="h5netcdf").attrs["axes"].split()
    for name in COLUMNS + axes:
        assert name in dataset.coords, f"{name} is no coordinate"
    assert dataset.seed.dtype == np.int64 and dataset.job.dtype == np.int64
    indexed = dataset.set_index(job=axes)
    name = str(dataset.architecture.values[-1])
    chosen = indexed.sel(architecture=name)
    assert chosen.sizes["job"] == int((dataset.architecture == name).sum()) > 0
    numeric = [n for n, v in indexed.data_vars.items() if "job" in v.dims and v.dtype.kind == "f"]
    cube = indexed[numeric[:3]].unstack("job")
    for axis in axes:
        assert cube.sizes[axis] == len(np.unique(dataset[axis].values)), f"axis {axis} does not unstack"
    return dataset


def main():
    path = sys.argv[1]
    warnings.simplefilter("error")
    # start times that are not there yet; said in FORMAT.md
    warnings.filterwarnings("ignore", message="invalid value encountered in cast")
    root = check_xarray(path, None)
    check_xarray(path, "kernels")
    for name in ["attempts", "status", "step", "steps_done", "crc", "worker"]:
        assert root[name].dtype.kind in "iu", f"{name} became {root[name].dtype}"
    for name in ["host", "outcome", "error", "engine", "cpu_model"]:
        assert all(isinstance(value, str) for value in root[name].values), f"{name} is bytes"
    assert root.status.attrs["flag_meanings"] == "pending running done failed skipped"
    done = check_checksums(path)
    print(f"{path}: {root.sizes['job']} jobs, {done} done; opens, selects, unstacks; checksums hold")


if __name__ == "__main__":
    main()
