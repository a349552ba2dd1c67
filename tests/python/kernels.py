"""Recomputes from the stored kernels of a result file what their metrics say, by the formulas of method.md
section 5, in any mode.

    kernels.py FILE.h5

Kernels are stored in single precision, so numbers agree to 1e-5; what needs the probe's targets is tested elsewhere.
"""
import sys

import h5py
import numpy as np


def centred(k):
    h = np.eye(len(k)) - 1 / len(k)
    return h @ k @ h


def cosine(a, b):
    return (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)


def metrics(k, first, previous, steps):
    values = np.maximum(np.linalg.eigvalsh(k), 0)
    shares = values[values > 0] / values.sum()
    found = {
        "kernel_trace": np.trace(k), "trace_ratio": np.trace(k) / np.trace(first),
        "kernel_distance": 1 - cosine(k, first),
        "relative_change": np.linalg.norm(k - first) / np.linalg.norm(first),
        "lambda_max": values[-1], "cka": cosine(centred(k), centred(first)),
        "effective_rank": np.trace(k) ** 2 / (k * k).sum(), "entropy_rank": np.exp(-(shares * np.log(shares)).sum()),
    }
    if previous is not None:
        found["kernel_distance_previous"] = 1 - cosine(k, previous)
        found["kernel_velocity"] = found["kernel_distance_previous"] / steps
    return found


def main():
    checked = 0
    with h5py.File(sys.argv[1]) as file:
        group = file["kernels"]
        for job in range(len(group["job"])):
            previous = step = None
            for s in range(group["n_snapshots"][job]):
                k = group["kernel"][job, s].astype(float)
                rows = np.isfinite(k[0])                      # a smaller kernel fills the leading corner
                k = k[rows][:, rows]
                first = k if s == 0 else first
                now = group["step"][job, s]
                for name, value in metrics(k, first, previous, now - step if s else 1).items():
                    stored = group[name][job, s]
                    assert abs(stored - value) <= 1e-5 * max(abs(value), 1e-2), \
                        f"job {job}, snapshot {s}: {name} is {stored}, from the kernel {value}"
                    checked += 1
                values = group["eigenvalues"][job, s]
                assert np.allclose(values[:len(k)], np.linalg.eigvalsh(k)[::-1], atol=1e-5 * values[0])
                assert np.isnan(values[len(k):]).all()
                previous, step = k, now
    assert checked, "expected kernels, found none"
    print(f"{sys.argv[1]}: {checked} numbers recomputed")


if __name__ == "__main__":
    main()
