#!/bin/bash
# Runs a suite that needs a stage of its own: a Slurm cluster, two hosts. Says why where there can be none.
#
#   tests/suite.sh build/release slurm cluster.sh      make check-slurm
#   tests/suite.sh build/release hosts hosts.sh        make check-hosts
set -u
build=$(realpath "${1:?usage: tests/suite.sh build/MODE NAME STAGE}")
suite=tests/${2:?which suite?} stage=${3:?which stage?}
cd "$(dirname "$0")/.." || exit 1
command -v bats >/dev/null || { echo "skipped $suite: bats is not installed"; exit 0; }
reason=$("$suite/$stage" why-not)
[ -z "$reason" ] || { echo "skipped $suite: $reason"; exit 0; }
PYTHON=python3
$PYTHON -c 'import h5py' 2>/dev/null || PYTHON=/usr/bin/python3
export PYTHON RELIN="$build/relin" PATH="$build:$PATH"
exec timeout -k 20 900 bats --tap "$suite"
