"""An export of a result file, held against the file: every number bit for bit, by h5py and nothing of ours.

    exported.py netcdf FILE.h5 OUT.nc ROW...      ROW...: the jobs that were taken, all without
    exported.py csv TABLE FILE.h5 OUT.csv ROW...
    exported.py xarray ENGINE OUT.nc              opens, selects, unstacks into a cube
    exported.py typed OUT.csv                     pandas finds the types
"""
import csv
import sys

import h5py
import numpy as np

OWN = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid"}
LEFT_OUT = {"_Encoding"}                           # of texts of fixed length
RENAMED = {"relin_format_version": "relin_exported_version"}
BY_JOB = {"/config/job_text", "/probe/set"}        # without a scale in the result file
BARE = "This is a netCDF dimension but not a netCDF variable."


def datasets(file):
    found = {}
    file.visititems(lambda name, item: found.update({"/" + name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def scale_of(dataset, axis):
    keys = list(dataset.dims[axis].values())
    return keys[0].name if keys else None


def by_job(name, dataset):
    if name in BY_JOB or name in ("/job", "/kernels/job"):
        return True
    return dataset.ndim > 0 and scale_of(dataset, 0) in ("/job", "/kernels/job")


def texts(values):
    """Texts of any kind as bytes, without the zeros that fill them up."""
    flat = np.asarray(values).reshape(-1)
    return [(v.encode() if isinstance(v, str) else bytes(v)).rstrip(b"\0") for v in flat]


def plain(value):
    return value.decode() if isinstance(value, bytes) else value


def same_attributes(name, old, new):
    for key, value in old.attrs.items():
        if key in OWN | LEFT_OUT:
            continue
        other = new.attrs[RENAMED.get(key, key)]
        if key == "history":
            assert plain(other).startswith(value + "\n") and plain(other).count("relin export") == 1, other
        elif isinstance(value, (str, bytes)):
            assert plain(value) == plain(other), f"{name}@{key}: {other!r}"
        else:
            assert value.dtype == other.dtype and np.asarray(value).tobytes() == np.asarray(other).tobytes(), f"{name}@{key}"
    extra = set(new.attrs) - OWN - {RENAMED.get(key, key) for key in old.attrs}
    assert not extra, f"{name} has gained {extra}"


def same_dataset(name, old, new, rows):
    values = old[()][rows] if by_job(name, old) else old[()]
    text = h5py.check_string_dtype(old.dtype)
    if text:
        assert h5py.check_string_dtype(new.dtype).length is None, f"{name} is of fixed length"
        assert texts(values) == texts(new[()]), name
    else:
        assert old.dtype == new.dtype and values.shape == new.shape, f"{name}: {new.dtype} {new.shape}"
        assert values.tobytes() == new[()].tobytes(), f"{name} has other bits"
        if values.nbytes >= 4096:
            assert new.compression == "gzip" and new.shuffle, f"{name} is not compressed"
    if h5py.h5ds.is_scale(old.id):
        assert h5py.h5ds.is_scale(new.id), f"{name} is no dimension any more"
        return
    for axis in range(old.ndim):
        was, now = scale_of(old, axis), scale_of(new, axis)
        assert now and (was is None or was == now), f"{name}, axis {axis}: {now}"


def check_netcdf(path, out, rows):
    with h5py.File(path) as old, h5py.File(out) as new:
        rows = rows or list(range(len(old["job"])))
        assert new.attrs["relin_exported_version"] == 1 and "relin_format_version" not in new.attrs
        was, now = datasets(old), datasets(new)
        bare = {n for n, d in now.items() if plain(d.attrs.get("NAME", b"")).startswith(BARE)}
        assert set(was) == set(now) - bare, set(was) ^ (set(now) - bare)
        numbers = sorted(int(d.attrs["_Netcdf4Dimid"]) for d in now.values() if h5py.h5ds.is_scale(d.id))
        assert numbers == list(range(len(numbers))), "dimensions are not numbered"
        for name, dataset in was.items():
            same_dataset(name, dataset, now[name], rows)
            same_attributes(name, dataset, now[name])
        groups = ["/"]
        old.visititems(lambda name, item: groups.append("/" + name) if isinstance(item, h5py.Group) else None)
        for name in groups:
            same_attributes(name, old[name], new[name])
        print(f"{len(was)} variables of {len(rows)} jobs agree bit for bit")


SHAPES = {"jobs": (None, None), "curves": ("eval", "step"), "refreshes": ("refresh", "refresh_step"),
          "snapshots": ("snapshot", "kernels/step")}


def columns_of(file, table):
    """Name in the CSV -> dataset: what a job is, then all that has the table's axes."""
    axis, _ = SHAPES[table]
    names = ["job"] + file["status"].attrs["coordinates"].split()
    found = {name: file[name] for name in names}
    for group in ("/", "/kernels"):
        for name, dataset in file[group].items():
            if isinstance(dataset, h5py.Dataset) and dataset.ndim and not h5py.h5ds.is_scale(dataset.id):
                axes = [scale_of(dataset, i).split("/")[-1] for i in range(dataset.ndim)]
                if axes == (["job", axis] if axis else ["job"]):
                    found.setdefault(name, dataset)
    return found


def expected_cell(name, value):
    if name == "status":
        return ["pending", "running", "done", "failed"][value]
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode()
    return value


def check_csv(table, path, out, rows):
    with h5py.File(path) as file, open(out, newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader)
        columns = columns_of(file, table)
        assert sorted(header) == sorted(columns), set(header) ^ set(columns)
        axis, there = SHAPES[table]
        wanted = [(job, at) for job in (rows or range(len(file["job"])))
                  for at in (np.flatnonzero(file[there][job] >= 0) if axis else [0])]
        data = {name: dataset[()] for name, dataset in columns.items()}
        n = 0
        for line, (job, at) in zip(reader, wanted, strict=True):
            n += 1
            for name, cell in zip(header, line, strict=True):
                value = data[name][job]
                value = expected_cell(name, value[at] if np.ndim(value) else value)
                if isinstance(value, str):
                    assert cell == value, f"job {job}, {name}: {cell!r}, not {value!r}"
                elif isinstance(value, np.floating):
                    assert (cell == "" if np.isnan(value) else float(cell) == value), f"job {job}, {name}: {cell}, not {value!r}"
                else:
                    assert int(cell) == value, f"job {job}, {name}: {cell}, not {value}"
        print(f"{len(header)} columns, {n} lines agree")


def check_xarray(engine, path):
    import warnings

    import xarray as xr
    if engine == "netcdf4":
        import netCDF4   # noqa: F401  before warnings count: Debian's has one at its import
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="invalid value encountered in cast")   # times of jobs that never began
    for group in (None, "kernels"):
        dataset = xr.open_dataset(path, engine=engine, group=group).load()
        axes = xr.open_dataset(path, engine=engine).attrs["axes"].split()
        cube = dataset.set_index(job=axes).unstack("job")
        assert all(cube.sizes[axis] == len(np.unique(dataset[axis].values)) for axis in axes)
        name = "test_loss" if group is None else "kernel_trace"
        assert cube[name].dims[:len(axes)] == tuple(axes) or set(axes) < set(cube[name].dims)
        assert cube[name].attrs["units"] == "1" and cube[name].attrs["long_name"]
        assert dataset.seed.dtype == np.int64 and dataset.refresh_period.dtype == np.float64
        assert np.isinf(dataset.refresh_period.values).any()
        assert all(isinstance(value, str) for value in dataset.architecture.values)
        one = int(dataset.sizes["job"]) - 1
        place = {axis: dataset[axis].values[one] for axis in axes}
        assert np.array_equal(cube[name].sel(place).values, dataset[name].values[one], equal_nan=True)
    if path.endswith(".nc"):
        probe = xr.open_dataset(path, engine=engine, group="probe/set0")
        assert probe.x.dims[0] == "probe" and probe.sizes["probe"] == probe["index"].size
    print(f"{engine}: a cube of {' x '.join(str(cube.sizes[axis]) for axis in axes)} jobs")


def check_typed(out):
    import pandas as pd
    table = pd.read_csv(out)
    kinds = {"job": "i", "job_id": "O", "architecture": "O", "refresh_period": "f", "seed": "i", "status": "O",
             "test_accuracy": "f", "attempts": "i", "crc": "i", "outcome": "O"}
    for name, kind in kinds.items():
        assert table[name].dtype.kind == kind, f"{name} became {table[name].dtype}"
    assert np.isinf(table.refresh_period).any()
    print(f"pandas: {len(table)} rows of {len(table.columns)} columns")


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "netcdf":
        check_netcdf(arguments[0], arguments[1], [int(row) for row in arguments[2:]])
    elif what == "csv":
        check_csv(arguments[0], arguments[1], arguments[2], [int(row) for row in arguments[3:]])
    elif what == "xarray":
        check_xarray(*arguments)
    else:
        check_typed(*arguments)


if __name__ == "__main__":
    main()
