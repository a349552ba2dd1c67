# Runs over two hosts that have nothing in common but a folder and a cable (hosts.sh): two daemons of Open MPI that talk
# over TCP. Minutes.

load ../cli/farm   # but for setup and teardown

# jobs that take some seconds, and checkpoints that come often
jobs=(training.steps=400000 training.evaluations=8 grid.seed=0..1 limits.checkpoint=0.5s limits.patience=10s)

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit 1
    export ROOT HOSTS
    ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
    HOSTS=$ROOT/tests/hosts/hosts.sh
    # shellcheck source=/dev/null
    . "$ROOT/.ci/mpi.sh"
    export OPENBLAS_NUM_THREADS=1 RELIN_PROGRESS=none
    "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o whole.h5
}

setup() {
    WORK=$(mktemp -d)
    cd "$WORK" || return 1
    "$HOSTS" start "$WORK"
    export OMPI_MCA_plm_rsh_agent=$WORK/agent
}

teardown() {
    local pid
    "$HOSTS" stop "$WORK"
    for pid in $(own_processes); do kill -KILL "$pid" 2>/dev/null; done
    cd / && rm -rf "$WORK"
}

on() { "$HOSTS" on "$WORK" "$@"; }
# both OPTION...: a run of two ranks on each host
both() { on relin-a mpirun -q "$@" -n 4 --host relin-a:2,relin-b:2 "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o f.h5; }
same_as_whole() { same "$BATS_FILE_TMPDIR/whole.h5" f.h5; }
verdict() { run "$RELIN" status --exit-code f.h5; }
# mpirun of Open MPI 4.1 --enable-recovery does not end after a rank of another host was killed, whatever its program (a shell
# is enough): what is waited for are relin's processes.
ranks_ended() { [ -z "$(named '^relin')" ]; }
# Ranks of relin-b, by their numbers there.
ranks_of_b() { on relin-b pgrep -x relin; }
# A job of relin-b has trained for a while: it has a state to lose.
b_works() {
    local child
    child=$(on relin-b pgrep relin-job | head -n 1)
    [ -n "$child" ] && [ "$(on relin-b awk '{print $14 + $15}' "/proc/$child/stat" 2>/dev/null || echo 0)" -ge 20 ]
}

@test "a run over two hosts ends with the file of one that was on one" {
    both
    same_as_whole
    hosts=$("$PYTHON" -c 'import h5py; print(*sorted(set(h5py.File("f.h5")["host"].asstr()[:])))')
    [ "$hosts" = "relin-a relin-b" ]
    for host in relin-a relin-b; do
        [ -z "$(on $host ls /dev/shm | grep relin-)" ]
    done
}

@test "with --enable-recovery all ranks of a host are killed, and the others do its jobs" {
    both --enable-recovery 2>log & pid=$!
    wait_for 60 b_works
    for rank in $(ranks_of_b); do on relin-b kill -KILL "$rank"; done
    wait_for 300 ranks_ended
    cat log
    verdict
    [ "$status" -eq 0 ]
    same_as_whole
    grep -q 'rank [23]' log
}

@test "a host that loses its power ends the run resumably, and the next one is whole" {
    both --enable-recovery 2>log & pid=$!
    wait_for 60 b_works
    kill -KILL "$(cat "$WORK/relin-b.pid")"
    wait_for 300 ranks_ended
    cat log
    verdict
    [ "$status" -eq 0 ] || [ "$status" -eq 75 ]
    on relin-a "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o f.h5
    same_as_whole
}

@test "a run on another host is refused, alive or just killed, and takes the file over after a minute of silence" {
    on relin-a "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o f.h5 2>log & pid=$!
    wait_for 60 test -e f.h5.lock
    wait_for 60 test -e f.h5
    run on relin-b "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o f.h5
    [ "$status" -eq 75 ]
    [[ "$output" == *"in use by a run on relin-a (process "* ]]
    pkill -KILL -P "$pid" -x relin
    wait_for 30 nothing_runs
    # nobody on relin-b can ask whether that process lives
    run on relin-b "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o f.h5
    [ "$status" -eq 75 ]
    [[ "$output" == *"last sign of life "* ]]
    taken_over() { on relin-b "$RELIN" run "$ROOT/tests/sweeps/farm.yaml" "${jobs[@]}" -o f.h5; }
    wait_for 100 taken_over
    same_as_whole
}
