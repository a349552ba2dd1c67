#!/bin/bash
# Runs every test of a build folder and says truthfully how it went.
#
#   tests/check.sh build/release [unit|cli|fuzz]      make check, make check-unit
#   tests/check.sh build/release cli/NAME             tests/cli/NAME.bats alone
#
# Unit tests (Check) and command line tests (bats) both report in TAP; a program that
# ends badly, or before all its tests are told, counts as a failure. Ends with one line
# "N passed, M failed, K skipped"; fails if any failed or nothing ran.
set -u
build=$(realpath "${1:?usage: tests/check.sh build/MODE [unit|cli|cli/NAME|fuzz]}")
part=${2:-all}
cd "$(dirname "$0")/.." || exit 1
. .ci/mpi.sh

# What tests rely on: the programs under test first in PATH, the data, quiet sanitizers.
export PATH="$build:$PATH" RELIN="$build/relin" RELIN_BUILD="$build"
if [ -n "${RELIN_DATA:-}" ]; then
    RELIN_DATA=$(realpath "$RELIN_DATA") && export RELIN_DATA
elif [ -d data ]; then
    export RELIN_DATA="$PWD/data"
fi
# Debian's Python has the modules that Debian's packages brought.
PYTHON=python3
$PYTHON -c 'import h5py' 2>/dev/null || PYTHON=/usr/bin/python3
export PYTHON
export ASAN_OPTIONS="${ASAN_OPTIONS:-fast_unwind_on_malloc=0}"
export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=$PWD/tests/lsan.supp:print_suppressions=0}"

log=$(mktemp -d) || exit 1
trap 'rm -rf "$log"' EXIT
# What hangs is a failure, not a wait: seconds for one program or file, and of processor time for a unit test program, which
# beside others and at low priority may take any time.
patience=1200 most_work=600
[ "${build##*/}" != asan ] || patience=1800
export build log patience most_work

# count NAME EXIT_CODE TAP_FILE: keeps one runner's results for the sum, and sets results to their text.
count() {
    local ok bad skip planned
    skip=$(grep -ciE '^ok .*# skip' "$3")
    ok=$(($(grep -c '^ok ' "$3") - skip))
    bad=$(grep -c '^not ok ' "$3")
    planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$3" | tail -n 1)
    if [ $((ok + bad + skip)) -ne "${planned:--1}" ] || { [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        echo "FAILED $1: ended with code $2 after $((ok + bad + skip)) of ${planned:-an unknown number of} tests"
        bad=$((bad + 1))
    fi
    keep "$1" "$ok" "$bad" "$skip"
    results="$ok passed, $bad failed, $skip skipped"
}

# keep NAME PASSED FAILED SKIPPED: what the sum at the end is of.
keep() { echo "$2 $3 $4" >"$log/$1.sum"; }

# told NAME: a runner that told nothing at all has failed.
told() { [ -e "$log/$1.sum" ] || { echo "FAILED $1: it told nothing" && keep "$1" 0 1 0; }; }

# skip_all NAME REASON COUNT: tests that cannot run here.
skip_all() {
    echo "skipped $1: $2 ($3 tests)"
    keep "$1" 0 0 "$3"
}

# unit_programs: their names; one whose name begins with test_core_ was built in both precisions (RELIN_PRECISIONS: those to run).
unit_programs() {
    local source name precision
    for source in tests/unit/test_*.c; do
        name=$(basename "$source" .c)
        case $name in
        test_core_*) for precision in ${RELIN_PRECISIONS:-single double}; do echo "${name}_$precision"; done ;;
        *) echo "$name" ;;
        esac
    done
}

# unit NAME: runs a program of Check's.
unit() {
    local start=$SECONDS unwind=1 code
    # Slow stacks are for telling Open MPI's leaks; what uses no MPI is many times faster without.
    [ "$1" != test_store ] || unwind=0
    : >"$log/$1.tap"
    # In one process: a fork for each test, each looked through for leaks at its end, took most of the time.
    (ulimit -t "$most_work" && CK_FORK=no ASAN_OPTIONS="$ASAN_OPTIONS:fast_unwind_on_malloc=$unwind" \
        CK_TAP_LOG_FILE_NAME="$log/$1.tap" OPENBLAS_NUM_THREADS=1 timeout -k 5 "$patience" "$build/tests/$1") >"$log/$1.out" 2>&1
    code=$?
    mark_skips "$log/$1.out" "$log/$1.tap"
    count "$1" $code "$log/$1.tap"
    printf '%-34s %s  %d s\n' "$1" "$results" $((SECONDS - start))
    [ $code -eq 0 ] || { cat "$log/$1.out"; grep '^not ok' "$log/$1.tap"; }
}

# Check knows no skipping: a test that skips prints a line "skip: reason" and returns.
mark_skips() {
    local n
    n=$(grep -c '^skip: ' "$1")
    [ "$n" -eq 0 ] || { grep '^skip: ' "$1"; awk -v n="$n" '/^ok / && n > 0 { $0 = $0 " # skip"; n-- } 1' "$2" >"$2.new"; mv "$2.new" "$2"; }
}

# cli FILE: runs a file of bats.
cli() {
    local start=$SECONDS name code
    name=$(basename "$1")
    # The slow stacks by which Open MPI's leaks are told take four times the processor time: one file with a rank of its own
    # and one with several look for leaks, as every unit test and fuzz target does.
    case $name in run.bats | ranks.bats) ;; *) local ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0:fast_unwind_on_malloc=1 ;; esac
    timeout -k 5 "$patience" bats --tap "$1" >"$log/$name.tap" 2>&1
    code=$?
    count "$name" $code "$log/$name.tap"
    printf '%-34s %s  %d s\n' "$name" "$results" $((SECONDS - start))
    grep -iE '^ok .*# skip' "$log/$name.tap"
    [ $code -eq 0 ] || grep -vE '^ok ' "$log/$name.tap"
}
export -f unit cli count keep mark_skips

# at_once N [WRAPPER]: unit or cli for each line "NAME" of the input, N at a time; what one tells stays together.
at_once() {
    local n=$1
    shift
    # shellcheck disable=SC2016
    xargs -P "$n" -I '{}' "$@" bash -c 'text=$({} 2>&1); [ -z "$text" ] || flock "$log" printf "%s\n" "$text"'
}

# One thread each, and nothing in common: as many at a time as there are cores.
run_unit() {
    local program
    if [ -d "$build/tests" ]; then
        unit_programs | sed 's/^/unit /' | at_once "$(nproc)"
        for program in $(unit_programs); do told "$program"; done
    else
        skip_all "unit tests" "built without the library Check" "$(cat tests/unit/test_*.c | grep -c '^START_TEST')"
    fi
}

# These wait now and then: one more than there are cores keeps these busy; long files (by their text) first, so that all end
# together. But some look whether anything is left in shared memory, which no other may use meanwhile.
run_cli() {
    local files file apart=() n=1
    mapfile -t files < <(ls -S tests/cli/*.bats)
    case $part in cli/*) files=("tests/$part.bats") ;; esac
    [ -e "${files[0]}" ] || return
    if ! command -v bats >/dev/null; then
        skip_all "command line tests" "the program bats is missing" "$(cat "${files[@]}" | grep -c '^@test')"
        return
    fi
    ! tests/apart.sh true 2>/dev/null || apart=(tests/apart.sh) n=$(($(nproc) + 1))
    printf 'cli %s\n' "${files[@]}" | at_once "$n" "${apart[@]}"
    for file in "${files[@]}"; do told "$(basename "$file")"; done
}

# A short seeded run of every fuzz target; the long one is make fuzz.
run_fuzz() {
    local start=$SECONDS code ok bad=0
    timeout -k 5 "$patience" tests/fuzz/run.sh short "$build" "${FUZZ_RUNS:-1000}" 1 >"$log/out" 2>&1
    code=$?
    ok=$(grep -cE 'no finding$|; 0 findings$' "$log/out")
    if [ $code -ne 0 ] || [ "$ok" -ne $(($(find tests/fuzz -name 'fuzz_*.c' | wc -l) + 1)) ]; then
        cat "$log/out"
        bad=1
    fi
    keep fuzz "$ok" "$bad" 0
    printf '%-34s %s  %d s\n' 'fuzz targets, seed 1' "$ok passed, $bad failed" $((SECONDS - start))
}

case $part in all | unit) run_unit ;; esac
case $part in all | cli | cli/*) run_cli ;; esac
case $part in all | fuzz) run_fuzz ;; esac
[ "$part" = unit ] || [ -n "${RELIN_DATA:-}" ] ||
    echo "RELIN_DATA is not set and there is no ./data: tests on real data were skipped"
read -r passed failed skipped < <(cat "$log"/*.sum | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
