#!/bin/bash
# Runs the fuzz targets of tests/fuzz.
#
#   tests/fuzz/run.sh short BUILD [RUNS [SEED]]    a seeded replay of every target with our own driver (make check)
#   tests/fuzz/run.sh long RUNS SEED               RUNS executions of each under ASan and UBSan (make fuzz): by libFuzzer
#                                                  where clang is, else by our own driver
#
# FUZZ="NAME..." takes only these targets. An input that failed is left in build/fuzz/fuzz by libFuzzer (crash-*), and
# named by its run by our driver. Ends with 1 where there was a finding.
set -u
cd "$(dirname "$0")/../.." || exit 1
mode=${1:?usage: tests/fuzz/run.sh short BUILD [RUNS [SEED]] | long RUNS SEED}
targets=()
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c) name=${name#fuzz_}
    [[ " ${FUZZ:-$name} " == *" $name "* ]] && targets+=("$name")
done

dictionary() {
    case $1 in
    sweep | job | words | message | until) echo tests/fuzz/yaml.dict ;;
    *) echo tests/fuzz/files.dict ;;
    esac
}

# Of the longest input: the states of the smallest jobs are longer than files need to be.
longest() {
    case $1 in
    state) echo 16384 ;;
    *) echo 8192 ;;
    esac
}

# Files to start from beside the target's own seeds.
corpus() {
    case $1 in
    sweep) ls sweeps/*.yaml tests/sweeps/*.yaml ;;
    esac
    [ -d "tests/fuzz/found/$1" ] && ls tests/fuzz/found/"$1"/*
}

# replay BUILD RUNS SEED: counts findings.
replay() {
    local target
    for target in "${targets[@]}"; do
        # shellcheck disable=SC2046 # names without spaces
        "$1/fuzz/fuzz_$target" --runs "$2" --seed "$3" --dictionary "$(dictionary "$target")" $(corpus "$target") ||
            findings=$((findings + 1))
    done
}

# libfuzzer BUILD RUNS SEED
libfuzzer() {
    local target work
    for target in "${targets[@]}"; do
        work=$1/corpus/$target
        mkdir -p "$work"
        "build/release/fuzz/fuzz_$target" --write-seeds "$work.seeds" || exit 1
        # shellcheck disable=SC2046
        cp $(corpus "$target") "$work.seeds" 2>/dev/null
        echo "fuzz_$target: $2 executions from seed $3"
        "$1/fuzz/fuzz_$target" -artifact_prefix="$1/fuzz/" -runs="$2" -seed="$3" -dict="$(dictionary "$target")" -max_len="$(longest "$target")" -timeout=20 -rss_limit_mb=4096 \
            -print_final_stats=1 -verbosity=0 "$work" "$work.seeds" 2>"$work.log" || findings=$((findings + 1))
        grep -E '^stat::(number_of_executed_units|average_exec_per_sec|new_units_added|peak_rss)|ERROR|not so|SUMMARY|Test unit' "$work.log"
    done
}

# programs BUILD RUNS SEED: the programs themselves, on mutated result files and sets.
programs() {
    local build folder=$1/fuzz/files
    [[ " ${FUZZ:-programs} " == *" programs "* ]] || return
    build=$(realpath "$1")
    rm -rf "$folder" && mkdir -p "$folder/data" || exit 1
    # shellcheck source=/dev/null
    . .ci/mpi.sh
    cp tests/sweeps/farm.yaml "$folder/sweep.yaml"
    (cd "$folder" && RELIN_PROGRESS=none OPENBLAS_NUM_THREADS=1 "$build/relin" run sweep.yaml grid.seed=0..1 -o base.h5 >/dev/null) || exit 1
    "$build/fuzz/programs" --make-set "$folder/own.h5" || exit 1
    sed 's/^data:.*/data: {set: own, train: 32, validation: 8, test: 16}/' tests/sweeps/farm.yaml >"$folder/own.yaml"
    "$build/fuzz/programs" "$build" "$folder" "$2" "$3" || findings=$((findings + 1))
}

findings=0
case $mode in
short)
    replay "$2" "${3:-1000}" "${4:-1}"
    programs "$2" "$(((${3:-1000} + 49) / 50))" "${4:-1}"
    ;;
long)
    make --no-print-directory fuzz-targets || exit 1
    if printf 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && !n; }' |
        clang -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null; then
        make --no-print-directory fuzz-targets MODE=fuzz || exit 1
        libfuzzer build/fuzz "$2" "$3"
    else
        echo "clang with libFuzzer is not here: our own driver, gcc's sanitizers (Debian: clang, libclang-rt-dev)"
        make --no-print-directory fuzz-targets MODE=asan || exit 1
        replay build/asan "$2" "$3"
    fi
    programs build/release "$((($2 + 99) / 100))" "$3"
    ;;
*) echo "$mode: expected short or long" >&2 && exit 2 ;;
esac
[ $findings -eq 0 ] || { echo "$findings targets with a finding"; exit 1; }
