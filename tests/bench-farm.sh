#!/bin/bash
# The farm alone: 1,000 empty jobs on 2 ranks, beside the time that mpirun and one job take.
#
#   tests/bench-farm.sh build/release/relin      (make bench)
set -u
relin=$(realpath "${1:?usage: tests/bench-farm.sh build/MODE/relin}")
root=$(realpath "$(dirname "$0")/..")
. "$root/.ci/mpi.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# seconds NAME OVERRIDE...: wall time of the best of three runs of the empty sweep
seconds() {
    local name=$1 best=999 begin spent
    shift
    for _ in 1 2 3; do
        rm -f "$name.h5"
        begin=$EPOCHREALTIME
        mpirun -q -n 2 "$relin" run "$root/tests/sweeps/empty.yaml" "$@" -o "$name.h5" --progress=none >/dev/null || return
        spent=$(awk "BEGIN{print $EPOCHREALTIME - $begin}")
        best=$(awk "BEGIN{print $spent < $best ? $spent : $best}")
    done
    echo "$best"
}

if ! one=$(seconds one grid.seed=0) || ! all=$(seconds all); then
    echo "farm: the sweep failed"
    exit 1
fi
awk "BEGIN{printf \"farm: 1,000 empty jobs on 2 ranks: %.2f s beyond the %.2f s of mpirun and one job (goal: under 2 s)\\n\", $all - $one, $one}"
