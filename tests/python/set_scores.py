"""Replaces results of a finished file by chosen ones, so that a summary of it is plain arithmetic.

    set_scores.py FILE.h5          accuracies of (architecture, K, seed); the network 10 points lower
    set_scores.py FILE.h5 holes    and one job failed, one diverged, one pending
"""
import sys

import h5py
import numpy as np

BASE = [0.80, 0.82, 0.81, 0.79]
DROP = {1: [0, 0, 0, 0], 5: [0.001, -0.001, 0.002, -0.002], np.inf: [0.05, 0.06, 0.05, 0.06]}
FAILED = 3

with h5py.File(sys.argv[1], "r+") as f:
    period, seed = f["refresh_period"][:], f["seed"][:]
    score = np.array([BASE[s] - DROP[k][s] for k, s in zip(period, seed)])
    f["test_accuracy"][:] = score
    f["test_accuracy_network"][:] = score - 0.1
    f["curve_train_loss"][:] = 0.5   # converged: it does not fall
    if sys.argv[2:] == ["holes"]:
        rows = {(a.decode(), k, s): i for i, (a, k, s) in enumerate(zip(f["architecture"][:], period, seed))}
        outcome = f["outcome"][:]
        outcome[rows["wide", 5, 1]] = b"diverged"
        f["outcome"][:] = outcome
        status = f["status"][:]
        status[rows["wide", 5, 0]] = FAILED
        status[rows["wide", np.inf, 3]] = 0
        f["status"][:] = status
