#!/bin/bash
# Runs the fault tests against the programs of a build folder.
#
#   tests/faults/faults.sh build/release [--rounds N] [--seed S] [--only ROUND] [--select NAMES]      make check-faults
set -u
build=$(realpath "${1:?usage: faults.sh build/MODE [options of run.py]}")
shift
cd "$(dirname "$0")/../.." || exit 1
. .ci/mpi.sh
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import h5py' 2>/dev/null || { echo "faults.sh: needs Python with h5py: make deps"; exit 1; }
export PYTHONDONTWRITEBYTECODE=1
exec "$python" tests/faults/run.py "$build/relin" "$@"
