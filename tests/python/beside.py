"""Holds a summary's CSV against what numpy computes from the file.

    beside.py schedules FILE.h5 TABLE.csv       every schedule against K=1
    beside.py trainers FILE.h5 TABLE.csv        Gauss-Newton against the linearised run of the same K and seed
    beside.py step=N FILE.h5 TABLE.csv          test_accuracy from the curves
    beside.py last=METRIC FILE.h5 TABLE.csv     a kernel metric at the last snapshot
Prints "N rows agree"; ends with an error where they do not.
"""
import csv
import itertools
import sys

import h5py
import numpy as np

# quantiles 0.975 of Student's t, by degrees of freedom
T = {2: 4.302652729749464, 3: 3.182446305284263, 7: 2.364624251592785, 8: 2.306004135033371, 9: 2.262157162740992}


def sign_flip(d):
    sums = np.array([abs(np.dot(s, d)) for s in itertools.product([1, -1], repeat=len(d))])
    return np.mean(sums >= abs(d.sum()) - 1e-12 * np.abs(d).sum())


def holm(p):
    order, adjusted, floor = np.argsort(p), np.empty(len(p)), 0
    for rank, i in enumerate(order):
        floor = max(floor, min(1, p[i] * (len(p) - rank)))
        adjusted[i] = floor
    return adjusted


def agree(row, **expected):
    for key, value in expected.items():
        got = float(row[key]) if row[key] else np.nan
        same = np.isnan(got) and np.isnan(value) or abs(got - value) <= 1e-9 * max(1, abs(value))
        assert same, (dict(row), key, got, value)


def compared(rows, pairs):
    """rows and their per-seed values (x, y): differences, intervals and Holm's p of the family."""
    p = []
    for row, (x, y) in zip(rows, pairs):
        d = x - y
        d = d[~np.isnan(d)]
        half = T[len(d) - 1] * d.std(ddof=1) / np.sqrt(len(d))
        agree(row, pairs=len(d), difference_mean=d.mean(), difference_low=d.mean() - half, difference_high=d.mean() + half)
        p.append(sign_flip(d))
    for row, own, adjusted in zip(rows, p, holm(np.array(p))):
        agree(row, p=own, p_holm=adjusted)


def main():
    what, file, table = sys.argv[1:]
    rows = list(csv.DictReader(open(table, newline="")))
    f = h5py.File(file)
    period, seed, done = f["refresh_period"][:], f["seed"][:], f["status"][:] == 2
    text = {name: np.array([a.decode() for a in f[name][:]]) for name in ("architecture", "schedule", "trainer")}
    accuracy = np.where(done, f["test_accuracy"][:], np.nan)

    def of(mask, values=accuracy):
        at = np.flatnonzero(mask)
        return values[at[np.argsort(seed[at])]]

    if what == "schedules":
        base, others = of((period == 1) & (text["schedule"] == "constant")), []
        for row in rows:
            mask = text["schedule"] == row["schedule"]
            if row["schedule"] == "constant":
                mask &= period == float(row["refresh_period"])
            updates = of(mask & done, f["refreshes_done"][:])
            agree(row, mean=np.nanmean(of(mask)), feature_updates=updates.mean(), feature_updates_min=updates.min(),
                  feature_updates_max=updates.max())
            if not (row["schedule"] == "constant" and float(row["refresh_period"]) == 1):
                others.append((row, (of(mask), base)))
        compared(*zip(*others))
    elif what == "trainers":
        steps, others = f["training_steps"][:], []
        for row in rows:
            mask = (text["trainer"] == row["trainer"]) & (period == float(row["refresh_period"]))
            mask &= steps == float(row["training_steps"])
            agree(row, mean=np.nanmean(of(mask)), eta_K=of(mask, f["learning_rate"][:]).mean() * float(row["refresh_period"]))
            if row["trainer"] == "gauss-newton":
                twin = (text["trainer"] == "linearised") & (period == float(row["refresh_period"]))
                twin &= steps == float(row["training_steps"]) * float(row["refresh_period"])
                others.append((row, (of(mask), of(twin))))
        compared(*zip(*others))
    else:
        kind, name = what.split("=")
        if kind == "step":
            steps = f["step"][:]
            at = np.where((steps >= 0) & (steps <= float(name)), steps, -1).argmax(axis=1)
            values = f["curve_test_accuracy"][:][np.arange(len(at)), at]
            reached = steps[np.arange(len(at)), at]
        else:
            values = f["kernels/" + name][:][np.arange(len(seed)), f["kernels/n_snapshots"][:] - 1]
        for row in rows:
            mask = (period == float(row["refresh_period"])) & (text["architecture"] == row["architecture"]) & done
            if "schedule" in row:
                mask &= text["schedule"] == row["schedule"]
            agree(row, mean=np.nanmean(of(mask, values)))
            if kind == "step" and row.get("schedule", "constant") == "constant":
                k = float(row["refresh_period"])
                agree(row, feature_updates=0 if np.isinf(k) else max(0, np.ceil(of(mask, reached)[0] / k) - 1))
    print(len(rows), "rows agree")


main()
