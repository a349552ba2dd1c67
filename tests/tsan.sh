#!/bin/bash
# What has threads of ours (the heartbeat of the lock) under the thread sanitizer: the unit tests of the lock and the store,
# a sweep in one process that holds its lock, one of two ranks, and one that is asked to stop.
#
#   tests/tsan.sh build/tsan      make check-tsan
#
# OpenBLAS has one thread here: its own are not compiled with the sanitizer. So are not those of Open MPI: tests/tsan.supp.
set -u
build=$(realpath "${1:?usage: tsan.sh build/tsan}")
cd "$(dirname "$0")/.." || exit 1
. .ci/mpi.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

export OPENBLAS_NUM_THREADS=1 RELIN_PROGRESS=none
# Tests fork from processes with a heartbeat, as users' programs might; a finding ends the process that has it with 66.
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp:die_after_fork=0:exitcode=66:atexit_sleep_ms=0:log_path=$work/found"
# The sanitizer's map of memory does not go with every kernel's random addresses.
straight=(setarch "$(uname -m)" -R)
"${straight[@]}" true 2>/dev/null || straight=()

failed=0
# try CODE NAME COMMAND...: must end with the code.
try() {
    local expected=$1 name=$2 start=$SECONDS code
    shift 2
    "${straight[@]}" "$@" >"$work/out" 2>&1
    code=$?
    printf '%-28s ended with %d  %d s\n' "$name" $code $((SECONDS - start))
    [ $code -eq "$expected" ] || { tail -n 20 "$work/out"; failed=1; }
}

# stop_early COMMAND...: USR1 to it as soon as it holds its lock.
# shellcheck disable=SC2317 # called by name
stop_early() {
    "$@" &
    local pid=$!
    until [ -e "$work/stopped.h5.lock" ] || ! kill -0 "$pid" 2>/dev/null; do read -rt 0.05 <> <(:); done
    kill -USR1 "$pid" 2>/dev/null
    wait "$pid"
}

try 0 "test_store_lock" "$build/tests/test_store_lock"
try 0 "test_store" "$build/tests/test_store"
try 0 "one process" "$build/relin" run tests/sweeps/farm.yaml -o "$work/f.h5"
try 0 "two ranks" mpirun -q -n 2 "$build/relin" run tests/sweeps/farm.yaml -o "$work/two.h5"
export -f stop_early
export work
try 75 "one that is stopped" bash -c 'stop_early "$@"' - "$build/relin" run tests/sweeps/farm.yaml -o "$work/stopped.h5"

found=$(cat "$work"/found.* 2>/dev/null)
if [ -n "$found" ]; then
    printf '%s\n' "$found" | head -n 150
    failed=1
fi
[ $failed -eq 0 ] && echo "thread sanitizer: nothing to say"
exit $failed
