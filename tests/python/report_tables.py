"""Recomputes what `relin report --tables FOLDER` says along training, of kernels, refreshes and cost, with numpy and scipy.

    report_tables.py FILE.h5 FOLDER      prints "N rows of curves, ... agree"

Cells of the file must be those of architecture and K. Every mean and 95 % t interval to 1e-9.
"""
import csv
import pathlib
import sys

import h5py
import numpy as np
from scipy import stats

# table: its steps, and column -> variable, variable of the network itself where K is 1
ALONG = {
    "curves": ("step", {p + s: ("curve_" + p + s, None) for p in ("test_accuracy", "test_loss", "train_loss") for s in ("", "_network")}),
    "refreshes": ("refresh_step", {c: ("refresh_" + c, None) for c in ("loss_jump", "accuracy_jump", "gap", "parameter_change", "convergence")}),
    "kernels": ("kernels/step", {c: (f"kernels/{v}_linearised", f"kernels/{v}") for c, v in dict(
        kernel_distance="kernel_distance", target_alignment="target_alignment_test", target_alignment_train="target_alignment_train",
        cka="cka", effective_rank="effective_rank", lambda_max="lambda_max", trace_ratio="trace_ratio").items()}),
}


def check(row, column, x, what):
    x = np.array([v for v in x if np.isfinite(v)])
    n = len(x)
    low, high = (x.mean(),) * 2 if n > 1 and x.std() == 0 else stats.t.interval(0.95, n - 1, x.mean(), stats.sem(x)) if n > 1 else (np.nan,) * 2
    for name, expected in ((column, x.mean() if n else np.nan), (column + "_low", low), (column + "_high", high)):
        got = float(row[name] or "nan")
        same = np.isnan(got) and np.isnan(expected) or abs(got - expected) <= 1e-9 * max(1, abs(expected))
        assert same, (what, name, got, expected)


class File:
    def __init__(self, path):
        f = self.f = h5py.File(path)
        self.name = np.array([a.replace('"', "'") for a in f["architecture"].asstr()[:]])
        self.period, status = f["refresh_period"][:], f["status"][:]
        self.ended = status == 2
        self.counted = self.ended & (f["outcome"][:].astype("S16") != b"diverged")

    def rows(self, row, which):
        return np.flatnonzero((self.name == row["group"]) & (self.period == float(row["refresh_period"])) & which)


def along(file, table, rows):
    steps, measures = file.f[ALONG[table][0]][:], ALONG[table][1]
    seen = set()
    for row in rows:
        here = [(i, e) for i in file.rows(row, file.counted) for e in np.flatnonzero(steps[i] == float(row["step"]))]
        assert len(here) == int(row["n"]) > 0, (table, row)
        for column, (variable, own) in measures.items():
            values = [file.f[variable][i, e] for i, e in here] if variable in file.f else []
            if own and float(row["refresh_period"]) == 1:
                values = [file.f[own][i, e] if np.isnan(v) else v for v, (i, e) in zip(values, here)]
            check(row, column, values, (table, row["group"], row["refresh_period"], row["step"]))
        seen.update(here)
    expected = {(i, e) for i in np.flatnonzero(file.counted) for e in np.flatnonzero(steps[i] >= 0)}
    assert seen == expected, (table, "steps are missing")
    return len(rows)


def spectra(file, rows):
    own, at = file.f["kernels/eigenvalues"], file.f["kernels/eigenvalues_linearised"]
    for row in rows:
        when, e, x = ("initialisation", "middle", "end").index(row["when"]), int(row["number"]) - 1, []
        for i in file.rows(row, file.counted):
            s = (int(file.f["kernels/n_snapshots"][i]) - 1) * when // 2
            x.append(own[i, s, e] if np.isnan(at[i, s, e]) else at[i, s, e])
        check(row, "eigenvalue", x, ("spectra", row["group"], row["refresh_period"], row["when"], e))
    return len(rows)


def cost(file, rows):
    for row in rows:
        jobs = file.rows(row, file.ended)
        check(row, "seconds", file.f["wall_seconds" if row["curve"] == "measured" else "predicted_seconds"][:][jobs], ("cost", row["group"]))
        assert float(row["memory"]) == file.f["max_rss_bytes"][:][jobs].max() / 2 ** 20
        assert abs(float(row["flops"]) / file.f["flops"][:][jobs].mean() - 1) < 1e-9
    return len(rows)


def main():
    file, folder, told = File(sys.argv[1]), pathlib.Path(sys.argv[2]), []
    for table in ("curves", "kernels", "refreshes", "spectra", "cost"):
        with open(folder / f"{table}.tsv", newline="") as f:
            rows = list(csv.DictReader(f, delimiter="\t"))
        n = along(file, table, rows) if table in ALONG else {"spectra": spectra, "cost": cost}[table](file, rows)
        assert n > 0, table
        told.append(f"{n} of {table}")
    print("rows agree:", ", ".join(told))


main()
