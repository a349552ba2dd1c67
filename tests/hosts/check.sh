#!/bin/bash
# Runs over two hosts, which are namespaces of this machine (make check-hosts). Says why where there can be none.
#
#   tests/hosts/check.sh build/release
set -u
build=$(realpath "${1:?usage: tests/hosts/check.sh build/MODE}")
cd "$(dirname "$0")/../.." || exit 1
command -v bats >/dev/null || { echo "skipped tests/hosts: bats is not installed"; exit 0; }
reason=$(tests/hosts/hosts.sh why-not)
[ -z "$reason" ] || { echo "skipped tests/hosts: $reason"; exit 0; }
PYTHON=python3
$PYTHON -c 'import h5py' 2>/dev/null || PYTHON=/usr/bin/python3
export PYTHON RELIN="$build/relin"
exec timeout -k 20 900 bats --tap tests/hosts/hosts.bats
