"""Holds a real file against FORMAT.md, in both directions.

    format.py result|trace FILE.h5

Every dataset of the file is described, with its type, axes and units; every dataset described is in
the file, unless its meaning says "optional" or it is along an axis of length 0.
"""
import re
import sys
from pathlib import Path

import h5py

HEADINGS = {"result": "## The result file", "trace": "## The trace"}
SCALED = re.compile(r"^/[^/]+$|^/(kernels|runs|timeline)/[^/]+$")   # groups of the result file that xarray opens


def described(kind):
    text = (Path(__file__).resolve().parents[2] / "FORMAT.md").read_text()
    section = re.split(r"^## ", text.split(HEADINGS[kind], 1)[1], maxsplit=1, flags=re.M)[0]
    rows = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
        if len(cells) == 5 and cells[0].startswith("`/"):
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def type_name(dataset):
    text = h5py.check_string_dtype(dataset.dtype)
    if not text:
        return str(dataset.dtype)
    assert text.encoding == "utf-8", f"{dataset.name} is not UTF-8"
    return "string" if text.length is None else f"string[{text.length}]"


def generic(name):
    """Names that are counted stand under their first."""
    name = re.sub(r"/set\d+/", "/set0/", name)
    return re.sub(r"^/at/layer[1-9]\d*$", "/at/layer1", name)


def axes_of(dataset):
    if h5py.h5ds.is_scale(dataset.id):
        return [dataset.name.split("/")[-1]]
    return [list(dim.keys())[0] if dim.keys() else "?" for dim in dataset.dims]


def check(kind, path):
    wrong, seen, rows = [], set(), described(kind)
    assert rows, "FORMAT.md has no table for " + kind
    with h5py.File(path) as file:
        coordinates = set()
        if kind == "result":
            coordinates = set(file["test_loss"].attrs["coordinates"].split())
        datasets = {}
        file.visititems(lambda name, item: datasets.update({"/" + name: item}) if isinstance(item, h5py.Dataset) else None)
        for name, dataset in datasets.items():
            key = generic(name)
            seen.add(key)
            if kind == "result" and SCALED.match(name):
                scaled(dataset, coordinates, wrong)
            if key not in rows:
                if not (kind == "result" and name.split("/")[-1] in coordinates):   # a further axis of the grid
                    wrong.append(f"{name} is in the file, but not in FORMAT.md")
                continue
            compare(kind, name, dataset, rows[key], wrong)
    wrong += [f"{name} is in FORMAT.md, but not in the file" for name, row in rows.items()
              if name not in seen and "optional" not in row[3] and not (kind == "result" and lacks_axis(name, row, seen))]
    return wrong


def lacks_axis(name, row, seen):
    """Is it along an axis that the file does not have, because its length would be 0?"""
    group = name.rsplit("/", 1)[0]
    return any(f"{group}/{axis.strip()}" not in seen for axis in row[1].strip("()").split(","))


def compare(kind, name, dataset, row, wrong):
    kind_of_number, shape, units, _ = row
    found = type_name(dataset)
    allowed = ("float32", "float64") if kind_of_number == "real" else (kind_of_number,)
    if found not in allowed:
        wrong.append(f"{name}: described as {kind_of_number}, is {found}")
    axes = [axis.strip() for axis in shape.strip("()").split(",") if axis.strip()]
    if len(axes) != dataset.ndim and "..." not in axes:
        wrong.append(f"{name}: described with axes {shape}, has {dataset.ndim}")
    if kind == "result" and SCALED.match(name):
        if axes != axes_of(dataset):
            wrong.append(f"{name}: described with axes {shape}, has {axes_of(dataset)}")
        if units != dataset.attrs.get("units", ""):
            wrong.append(f"{name}: described in '{units}', is in '{dataset.attrs.get('units', '')}'")


def scaled(dataset, coordinates, wrong):
    """What xarray needs of a dataset."""
    name = dataset.name
    if not h5py.h5ds.is_scale(dataset.id) and any(not dim.keys() for dim in dataset.dims):
        wrong.append(f"{name}: an axis has no scale")
    if "long_name" not in dataset.attrs:
        wrong.append(f"{name}: has no long_name")
    if dataset.dtype.kind == "f" and "_FillValue" not in dataset.attrs:
        wrong.append(f"{name}: a float without _FillValue")
    if dataset.dtype.kind in "iu" and "_FillValue" in dataset.attrs:
        wrong.append(f"{name}: _FillValue would turn whole numbers into floats")
    if dataset.dtype.kind == "S" and dataset.attrs.get("_Encoding") != "utf-8":
        wrong.append(f"{name}: a string of fixed length without _Encoding")
    is_column = name.split("/")[-1] in coordinates
    of_jobs = not name.startswith(("/runs/", "/timeline/"))
    if of_jobs and not is_column and not h5py.h5ds.is_scale(dataset.id) and set(dataset.attrs.get("coordinates", "").split()) != coordinates:
        wrong.append(f"{name}: its coordinates are not the columns of the file")


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in HEADINGS:
        sys.exit("usage: format.py result|trace FILE.h5")
    wrong = check(sys.argv[1], sys.argv[2])
    print("\n".join(wrong) or f"{sys.argv[2]} is as FORMAT.md says")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
