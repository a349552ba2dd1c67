#!/bin/bash
# A whole small sweep, every trainer and engine, under valgrind: ranks, spawners and children.
#
#   tests/valgrind.sh build/release      make check-valgrind
#
# Fails on any error that tests/valgrind.supp does not know: invalid accesses, values that were
# never set, memory that nothing leads to any more.
set -u
build=$(realpath "${1:?usage: valgrind.sh build/MODE}")
cd "$(dirname "$0")/.." || exit 1
. .ci/mpi.sh
command -v valgrind >/dev/null || { echo "valgrind is missing: make deps"; exit 1; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# Without relin-spawner beside it, the spawner is a copy of relin: under valgrind too, and so are its children.
mkdir "$work/bin" && cp "$build/relin" "$work/bin/" && build=$work/bin

# Kernels of OpenBLAS without AVX-512, which valgrind does not know.
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 RELIN_PROGRESS=none
known=(--suppressions="$PWD/tests/valgrind.supp")
# What Open MPI's own people know of it, where the package has it.
[ ! -e /usr/share/openmpi/openmpi-valgrind.supp ] || known+=(--suppressions=/usr/share/openmpi/openmpi-valgrind.supp)
under=(valgrind --quiet --error-exitcode=99 --exit-on-first-error=no --trace-children=no --child-silent-after-fork=no
    --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
    --keep-debuginfo=yes --num-callers=40 "${known[@]}" --log-file="$work/%p.log")
# Fewer steps: valgrind is some fifty times slower. Checkpoints all the same.
sed -e 's/steps: [0-9]*/steps: 40/' -e 's/checkpoint: 0.02s/checkpoint: 0.2s/' tests/sweeps/faults.yaml >"$work/sweep.yaml"

failed=0
# try NAME COMMAND...: must end with 0.
try() {
    local name=$1 start=$SECONDS code
    shift
    "$@" >"$work/out" 2>&1
    code=$?
    printf '%-28s ended with %d  %d s\n' "$name" $code $((SECONDS - start))
    [ $code -eq 0 ] || { tail -n 20 "$work/out"; failed=1; }
}
file=$work/f.h5
try "one process" "${under[@]}" "$build/relin" run "$work/sweep.yaml" -o "$file"
try "complete, once more" "${under[@]}" "$build/relin" run "$work/sweep.yaml" -o "$file"
rm -f "$file"
try "two ranks" mpirun -q -n 2 "${under[@]}" "$build/relin" run "$work/sweep.yaml" -o "$file"
try "status" "${under[@]}" "$build/relin" status "$file"
try "verify" "${under[@]}" "$build/relin" verify "$file"

# Spawners and children have no exit code that anybody sees: their logs speak.
found=$(cat "$work"/*.log)
processes=$(find "$work" -name '*.log' | wc -l)
if [ -n "$found" ]; then
    printf '%s\n' "$found" | head -n 150
    failed=1
fi
[ $failed -eq 0 ] && echo "valgrind: nothing to say about $processes processes"
exit $failed
