# Ranks that die or hang: the sweep goes on without them, to the same bits, and nothing is left.

load farm

# jobs that take some seconds, two of each K, and checkpoints that come often
jobs=(training.steps=$((400000 / slowness)) training.evaluations=8 grid.seed=0..1 limits.checkpoint=0.5s)

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit 1
    # shellcheck source=/dev/null
    . "$BATS_TEST_DIRNAME/../../.ci/mpi.sh"
    mpirun -q -n 2 "${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin}" run "$BATS_TEST_DIRNAME/../sweeps/farm.yaml" \
        "${jobs[@]}" -o whole.h5 --progress=none
}

# rank N: the process of rank N of a run in this folder.
rank() {
    local pid
    for pid in $(named '^relin$'); do
        grep -qzx "PMIX_RANK=$1" "/proc/$pid/environ" 2>/dev/null && echo "$pid" && return
    done
    return 0
}
spawner_of() { local process; process=$(rank "$1"); [ -n "$process" ] && pgrep -P "$process" relin-spawner; }
# works N: a child of rank N's spawner runs.
works() {
    local spawner
    spawner=$(spawner_of "$1") && pgrep -P "$spawner" relin-job >/dev/null
}
# worked N: a child of rank N has trained for a while: it has a state to write.
worked() {
    local spawner child ticks
    spawner=$(spawner_of "$1") && child=$(pgrep -P "$spawner" relin-job | head -n 1) && [ -n "$child" ] || return 1
    ticks=$(awk '{print $14 + $15}' "/proc/$child/stat" 2>/dev/null) && [ "${ticks:-0}" -ge 40 ]
}
# runs_first: a rank runs row 0; it is $victim
runs_first() {
    for victim in 1 2 3; do
        works $victim && pgrep -P "$(spawner_of $victim)" -x relin-job-0 >/dev/null && return
    done
    return 1
}
# recover N COMMAND...: mpirun in the background, whose run outlives a rank; its pid is $!
recover() { local n=$1; shift; mpirun -q --enable-recovery -n "$n" "$@" 2> log & }
verdict() { run "$RELIN" status --exit-code "$1"; }
log_has() { grep -q "$1" log; }
ended() { ! kill -0 "$1" 2>/dev/null; }
same_as_whole() { same "$BATS_FILE_TMPDIR/whole.h5" "$1"; }
# over PID: the run ends by itself
over() {
    wait_for 90 ended "$1"
    wait "$1" || true
    wait_for 10 nothing_runs
    cat log
}
# after PID: it does, and leaves nothing
after() { over "$1" && no_names_left; }

@test "a killed rank's job is run by another, and the file ends as if nothing had happened" {
    recover 3 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5
    pid=$!
    wait_for 60 works 1
    kill -KILL "$(rank 1)"
    wait_for 20 log_has 'rank 1 (process [0-9]*) has died: its jobs are given to others'
    after $pid
    verdict f.h5
    [ "$status" -eq 0 ]
    same_as_whole f.h5
    "$PYTHON" -c 'import h5py; a = h5py.File("f.h5")["attempts"][:]; assert (a == 1).all(), a'   # no attempt of its own
    [ "$(echo f.h5*)" = f.h5 ]
}

@test "a rank that hangs loses its jobs, and when it wakes it gets new ones but commits nothing twice" {
    # without checkpoints its jobs take the others a while, in which it wakes: a child goes on while its rank hangs
    recover 3 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" limits.checkpoint=none limits.patience=2s -o f.h5
    pid=$!
    wait_for 60 works 2
    sleeper=$(rank 2)
    kill -STOP "$sleeper"
    wait_for 30 log_has 'rank 2 has been silent for .* s (limits.patience): its jobs are given to others'
    kill -CONT "$sleeper"
    wait_for 30 log_has 'rank 2 is back: it gets jobs again'
    after $pid
    verdict f.h5
    [ "$status" -eq 0 ]
    same_as_whole f.h5
}

@test "a rank that hangs for ever is killed when the sweep is complete" {
    recover 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" limits.patience=2s -o f.h5
    pid=$!
    wait_for 60 works 1
    kill -STOP "$(rank 1)"
    after $pid
    log_has 'rank 1 has been silent'
    verdict f.h5
    [ "$status" -eq 0 ]
    same_as_whole f.h5
}

@test "when rank 0 dies the others write the state of what they run and end; the same command goes on" {
    fewer=(training.steps=1600000 grid.seed=0)
    recover 3 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" "${fewer[@]}" limits.checkpoint=1h -o f.h5
    pid=$!
    wait_for 60 worked 1
    kill -KILL "$(rank 0)"
    after $pid
    log_has 'rank 0 has died or been silent'
    [ -n "$(find f.h5.checkpoints -type f ! -name '*.new')" ]
    verdict f.h5
    [ "$status" -eq 75 ]
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" "${fewer[@]}" -o f.h5
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" "${fewer[@]}" -o longer.h5
    same longer.h5 f.h5
}

@test "when rank 0 hangs the others end; when it wakes it completes the sweep alone" {
    recover 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" limits.patience=2s -o f.h5
    pid=$!
    wait_for 60 works 1
    sleeper=$(rank 0) other=$(rank 1)
    kill -STOP "$sleeper"
    wait_for 30 ended "$other"
    kill -CONT "$sleeper"
    after $pid
    verdict f.h5
    [ "$status" -eq 0 ]
    same_as_whole f.h5
}

@test "a rank whose spawner dies gives its job back and runs no more" {
    recover 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5
    pid=$!
    wait_for 60 works 1
    kill -KILL "$(spawner_of 1)"
    after $pid
    log_has 'rank 1 runs no more jobs: its spawner has died'
    verdict f.h5
    [ "$status" -eq 0 ]
    same_as_whole f.h5
}

@test "a rank that dies while the run starts ends it, and the next one is whole" {
    export RELIN_START_SECONDS=15   # of a rank that dies before MPI knows it the others hear nothing
    recover 3 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5
    pid=$!
    there() { [ -n "$(rank 2)" ]; }
    wait_for 60 there
    kill -KILL "$(rank 2)"
    over $pid
    unset RELIN_START_SECONDS
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5
    no_names_left   # where mpirun killed all at once, the next run on the machine removes what they had
    same_as_whole f.h5
}

@test "a launcher that dies while a rank says hello to it takes the rank with it" {
    run "$PYTHON" "$BATS_TEST_DIRNAME/../python/launcher.py" "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [[ "$output" != "skip: "* ]] || skip "${output#skip: }"
    [ "$status" -eq 0 ]
    [[ "$output" == *"the rank has ended"* ]]
    [[ "$output" == *"its launcher (mpirun) has died while the run was starting"* ]]
    wait_for 10 nothing_runs
}

@test "a job that takes every rank down with it is set aside, after the others are done" {
    # the first row never ends; rank 0 hands out only, and the rank that runs that row is killed
    cat > killer.yaml <<'YAML'
name: killer
data: {set: teacher, inputs: 8, outputs: 2, train: 64, validation: 16, test: 32, pool: 256, task: regression}
architectures: {small: {type: mlp, widths: [16], activation: tanh}}
grid: {architecture: [small], training.steps: [4000000000, 2000, 3000, 4000]}
training: {loss: half-mse, batch: 16, lr: 0.05, evaluations: 6}
kernels: {probe: 8, snapshots: 3, path_points: 4}
limits: {checkpoint: none}
YAML
    recover 4 "$RELIN" run killer.yaml --order=file --no-train-on-master limits.attempts=2 -o f.h5
    pid=$!
    for n in 1 2; do
        wait_for 60 runs_first
        kill -KILL "$(rank $victim)"
        echo "killed rank $victim"
        wait_for 20 log_has "rank $victim (process [0-9]*) has died"
    done
    after $pid
    run "$RELIN" status f.h5
    [[ "$output" == *"3 of 4 jobs done"*"job 0 "*", lost, "*"lost 2 times without having got on, the last: rank"* ]]
    verdict f.h5
    [ "$status" -eq 3 ]
}
