#!/usr/bin/env python3
"""Are the results of two files the same, bit for bit?

    same.py [--rows] A.h5 B.h5 [VARIABLE...]

Rows are matched by job_id, or, with --rows, by their order; every row of B must be in A. Left out is only what says how, where
and when a job ran, and the variables named. Says each difference; exits with 0, or 1 where there is one.
"""
import sys

import h5py
import numpy as np

CIRCUMSTANCES = {
    "attempts", "worker", "host", "cpu_model", "start_time", "wall_seconds", "cpu_seconds",
    "predicted_seconds", "energy_joules", "crc", "max_rss_bytes",
}


def variables(file):
    """Datasets with a row per job, by path."""
    found = {}

    def visit(path, item):
        if isinstance(item, h5py.Dataset) and item.shape and item.shape[0] == len(file["job_id"]):
            if path.split("/")[0] in ("config", "provenance", "probe", "runs", "timeline") or path in ("job", "kernels/job"):
                return
            if path not in CIRCUMSTANCES:
                found[path] = item

    file.visititems(visit)
    return found


def bits(values):
    """Values as bytes, so that NaN equals NaN and -0 differs from 0."""
    if values.dtype.kind == "O":
        return [v if isinstance(v, bytes) else str(v).encode() for v in values.ravel()]
    return values.tobytes()


def main():
    by_row = sys.argv[1] == "--rows"
    names = sys.argv[1 + by_row:]
    a, b = (h5py.File(name, "r") for name in names[:2])
    CIRCUMSTANCES.update(names[2:] + ["job_id", "kernels/job_id"] * by_row)
    ids = range(len(b["job_id"])) if by_row else b["job_id"][:]
    row_of = {job: row for row, job in enumerate(range(len(a["job_id"])) if by_row else a["job_id"][:])}
    missing = [job for job in ids if job not in row_of]
    if missing:
        print(f"{len(missing)} jobs are in the second file only: {missing[:3]}")
        return 1
    rows = [row_of[job] for job in ids]
    va, vb = variables(a), variables(b)
    differences = sorted(va.keys() ^ vb.keys())
    for path in differences:
        print(f"{path}: only in one file")
    compared = 0
    for path in sorted(va.keys() & vb.keys()):
        x, y = va[path][:][rows], vb[path][:]
        compared += 1
        if x.shape != y.shape or bits(np.ascontiguousarray(x)) != bits(np.ascontiguousarray(y)):
            differences.append(path)
            print(f"{path}: differs")
    if compared < 40 or not np.isfinite(b["train_loss"][:]).all():
        print(f"only {compared} variables, or rows without a result: nothing was proved")
        return 1
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main())
