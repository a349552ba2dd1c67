#!/bin/bash
# Times `relin summary` on a file of 100,000 jobs, which are filled in by Python and not trained.
#
#   tests/bench-summary.sh build/release [runs]      prints seconds of processor time of each run
#
# The file takes 0.8 GB, in TMPDIR, and is removed at the end.
set -eu
build=$(realpath "${1:?usage: tests/bench-summary.sh build/MODE [runs]}")
runs=${2:-3}
cd "$(dirname "$0")/.."
. .ci/mpi.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/large.yaml" <<'YAML'
name: large
data: {set: sprites, train: 20, validation: 10, test: 20}
architectures: {a: {type: mlp, widths: [2]}, b: {type: mlp, widths: [3]}, c: {type: mlp, widths: [4]}, d: {type: mlp, widths: [5]}}
grid:
  architecture: [a, b, c, d]
  refresh_period: [1, 2, 5, 10, 20, 50, 100, 200, 500, inf]
  training.lr: [0.01, 0.02]
  training.momentum: [0, 0.1, 0.2, 0.3, 0.4]
  training.weight_decay: [0, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009]
  seed: 0..24
training: {loss: half-mse, steps: 1000, evaluations: 12}
kernels: {snapshots: 0}
YAML
# The run makes the file of all jobs, and is asked to stop as soon as it is there.
"$build/relin" run "$folder/large.yaml" -o "$folder/large.h5" >"$folder/log" 2>&1 &
run=$!
until [ -e "$folder/large.h5" ]; do
    kill -0 $run 2>/dev/null || { cat "$folder/log" && exit 1; }
    sleep 0.2
done
kill -USR1 $run
wait $run || true
python=python3
$python -c 'import h5py' 2>/dev/null || python=/usr/bin/python3
$python tests/python/fill_results.py "$folder/large.h5"
TIMEFORMAT='%U user + %S system, %R s in all'
for ((i = 0; i < runs; i++)); do
    time "$build/relin-summary" "$folder/large.h5" --csv >"$folder/table.csv"
done
wc -l <"$folder/table.csv" | sed 's/$/ lines/'
