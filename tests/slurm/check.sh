#!/bin/bash
# Tests in a real Slurm (make check-slurm). Says why where there can be none.
#
#   tests/slurm/check.sh build/release
set -u
build=$(realpath "${1:?usage: tests/slurm/check.sh build/MODE}")
cd "$(dirname "$0")/../.." || exit 1
command -v bats >/dev/null || { echo "skipped tests/slurm: bats is not installed"; exit 0; }
reason=$(tests/slurm/cluster.sh why-not)
[ -z "$reason" ] || { echo "skipped tests/slurm: $reason"; exit 0; }
PYTHON=python3
$PYTHON -c 'import h5py' 2>/dev/null || PYTHON=/usr/bin/python3
export PYTHON RELIN="$build/relin"
export PATH="$build:$PATH"
exec timeout -k 20 900 bats --tap tests/slurm/slurm.bats
