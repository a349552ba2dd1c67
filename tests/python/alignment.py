"""Compares relin summary --metric parameter_alignment --csv with cosines computed here.

usage: alignment.py FILE.h5 SUMMARY.csv
"""
import csv
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1]) as f:
    change = f["kernels/parameter_change"][:].astype(float)
    names = f["architecture"].asstr()[:]
    period, seed = f["refresh_period"][:], f["seed"][:]

agree = 0
for row in csv.DictReader(open(sys.argv[2])):
    cell = np.flatnonzero((names == row["architecture"]) & (period == float(row["refresh_period"])))
    cosines = []
    for i in cell:
        j = np.flatnonzero((names == names[i]) & (period == 1) & (seed == seed[i]))[0]
        cosines.append(change[i] @ change[j] / np.linalg.norm(change[i]) / np.linalg.norm(change[j]))
    assert abs(float(row["mean"]) - np.mean(cosines)) < 1e-6, (row, cosines)
    agree += 1
print(agree, "cells agree")
