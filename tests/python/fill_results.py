"""Fills a file whose jobs never ran with seeded results, so that a summary of many jobs can be timed and checked.

    fill_results.py FILE.h5 [SEED [LOST]]      LOST: the share of jobs that are lost, 0.004

Accuracies fall with K, seeds are shared by all K (paired differences mean something), a few jobs failed, diverged or
are pending. What is computed is what relin would write: outcome, results of both read-outs, curves, updates.
"""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1], "r+") as f:
    random = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    n, period, seed, step = len(f["seed"]), f["refresh_period"][:], f["seed"][:], f["step"]
    name = f["architecture"].asstr()[:]
    luck = random.normal(0, 0.02, 1 + seed.max())[seed] + 0.01 * np.unique(name, return_inverse=True)[1]
    cost = 0.01 * np.log10(np.where(np.isinf(period), 1e5, period))
    score = 0.8 + luck - cost + random.normal(0, 0.01, n)
    fate = random.random(n)
    lost = float(sys.argv[3]) if len(sys.argv) > 3 else 0.004
    state = np.where(fate < lost / 2, 3, np.where(fate < 0.75 * lost, 0, 2)).astype("u1")   # failed, pending, done
    diverged = (state == 2) & (fate > 1 - lost / 4)
    score[(state != 2) | diverged] = np.nan
    if not np.any(step[:] >= 0):   # a file without a job that ran has no steps yet
        points = step.shape[1]
        every = np.unique(np.round(np.geomspace(1, 1001, 8 * points)).astype(int)) - 1
        step[:] = every[np.linspace(0, len(every) - 1, points).astype(int)]
    share = np.linspace(0, 1, step.shape[1])
    curve = 0.1 + (score[:, None] - 0.1) * share
    for part, gap in (("train", 0.05), ("validation", -0.01), ("test", 0)):
        f[part + "_accuracy"][:], f[part + "_accuracy_network"][:] = score + gap, score + gap - 0.03
        f[part + "_loss"][:], f[part + "_loss_network"][:] = 1 - score - gap, 1 - score - gap + 0.03
        for suffix, shift in (("", 0), ("_network", 0.03)):
            f[f"curve_{part}_accuracy{suffix}"][:] = curve + gap - shift
            f[f"curve_{part}_loss{suffix}"][:] = 1 - curve - gap + shift
    f["learning_rate"][:] = 0.01
    f["steps_done"][:] = np.where(state == 2, step[0].max(), 0)
    f["refreshes_done"][:] = np.where(state == 2, np.nan_to_num(f["feature_updates"][:]), -1)
    f["outcome"][:] = np.where(diverged, b"diverged", np.where(state == 2, b"completed", b"")).astype(f["outcome"].dtype)
    f["status"][:] = state
