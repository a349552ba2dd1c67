# A few of the faults of `make check-faults`: one of each kind, of a fixed seed.

setup() { ROOT=$(realpath "$BATS_TEST_DIRNAME/../.."); BUILD=${RELIN_BUILD:-$ROOT/build/release}; }

# strike FAULTS...: each once. A fault that cannot be had here says why.
strike() {
    local names=("$@")
    run "$ROOT/tests/faults/faults.sh" "$BUILD" --seed 1 --again 6 --rounds $# --select "$(IFS=,; echo "${names[*]}")"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" =~ ([0-9]+)" faults struck in $# rounds, 0 rounds failed" ]]
    [ "${BASH_REMATCH[1]}" -ge $# ]
}

@test "a killed child, rank, master or mpirun costs no committed row and no bit" {
    strike kill-child kill-worker kill-master kill-everything
    # what a kill costs was measured
    [[ "$output" == *"work lost by "*" stopped jobs: median "* ]]
}

@test "a damaged row is run again, a damaged file refused, a damaged checkpoint ignored" {
    strike flip-row cut-file flip-checkpoint
}

@test "a rank that is held up and a child without memory change nothing" {
    strike pause-rank no-memory
}

@test "a full disk stops a run that can be resumed" {
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=4k none /mnt 2>/dev/null && umount /mnt || skip "needs the right to mount a small disk"
    strike full-disk
}

@test "the driver sees a row that was lost, a bit that changed, and what was left" {
    run "$ROOT/tests/faults/faults.sh" "$BUILD" --self-test
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"5 of 5 lies were seen"* ]]
}

@test "no room in shared memory is an error that says so, and the file stays free for the next run" {
    local work
    work=$(mktemp -d)
    unshare -m mount -t tmpfs none /dev/shm 2>/dev/null || skip "needs the right to mount"
    # no room for the data; for the data, and none for the results of a rank
    for size in 16k 128k; do
        code=70
        [ $size = 16k ] || code=75
        run env RELIN_PROGRESS=none unshare -m sh -c "mount -t tmpfs -o size=$size none /dev/shm && exec '$BUILD/relin' run \
            '$ROOT/tests/sweeps/farm.yaml' kernels.probe=64 -o '$work/f.h5'"
        echo "$output"
        [ "$status" -eq $code ]
        [[ "$output" == *"shared memory"*"No space left on device"* ]]
        [ ! -e "$work/f.h5.lock" ]
    done
    RELIN_PROGRESS=none "$BUILD/relin" run "$ROOT/tests/sweeps/farm.yaml" kernels.probe=64 -o "$work/f.h5"
    rm -rf "$work"
}
