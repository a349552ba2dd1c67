#!/usr/bin/env python3
"""Read a result file in Python: xarray for everything, pandas for a table.

    python3 analysis/examples/read_result.py FILE.h5

Debian: python3-xarray python3-h5netcdf python3-pandas (elsewhere: pip install xarray h5netcdf pandas).
The file can be read while its sweep runs: jobs that have not ended show NaN and status 0 or 1.
"""
import sys

import numpy as np
import xarray as xr

if len(sys.argv) != 2:
    sys.exit(__doc__)

# One row a job. The root group holds what a job is, how it went, results and curves.
runs = xr.open_dataset(sys.argv[1], engine="h5netcdf")
kernels = xr.open_dataset(sys.argv[1], engine="h5netcdf", group="kernels")
pending, running, done, failed = range(4)
print(f"{runs.sizes['job']} jobs, {int((runs.status == done).sum())} done, "
      f"{int((runs.status == failed).sum())} failed")

# A table: completed jobs, mean and standard deviation over seeds. test_accuracy is f_lin, the
# model being trained; test_accuracy_network is the network f_theta at the same parameters.
table = runs[["architecture", "refresh_period", "seed", "feature_updates", "status", "outcome",
              "test_accuracy", "test_accuracy_network"]].to_dataframe().reset_index(drop=True)
table = table[(table.status == done) & (table.outcome == "completed")]
print(table.groupby(["architecture", "refresh_period"]).test_accuracy.agg(["count", "mean", "std"]))

# A cube: the axes of the grid as dimensions. K=inf is a value like any other; a cell without a job is NaN.
axes = runs.attrs["axes"].split()
cube = runs[["test_accuracy", "test_loss"]].set_index(job=axes).unstack("job")
print(" x ".join(f"{axis} {cube.sizes[axis]}" for axis in axes))
if 1 in cube.refresh_period:
    # paired by seed: every K starts from the same weights, data and batches
    gain = cube.test_accuracy - cube.test_accuracy.sel(refresh_period=1)
    print("points against K=1:", (100 * gain.mean("seed")).to_series().to_string(), sep="\n")

# Curves: (job, eval); step is -1 where a curve is shorter.
first = runs.isel(job=0)
there = (first.step >= 0).values
print("training loss of job 0:", dict(zip(first.step.values[there], np.round(first.curve_train_loss.values[there], 4))))

# Kernels: how far the features moved, at the points the model was linearised at.
print("kernel path length of each job:", kernels.kernel_path_length_linearised.values[:8], "...")
