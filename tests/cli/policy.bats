# Jobs that fail: each class has its limit, its reason, its advice, and can be run again.

load farm

jobs=(training.steps=4000000000 grid.seed=0 grid.refresh_period=1 kernels.snapshots=0 kernels.path_points=0)
# As much memory as the job wants, and what the address sanitizer does with signals, is not the test's.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_segv=0:handle_abort=0"

# kill_each SIGNAL TIMES: every child that runs, until so many were killed.
kill_each() {
    local child last=
    next_child() { child=$(named '^relin-job' | head -n 1) && [ -n "$child" ] && [ "$child" != "$last" ]; }
    for ((i = 0; i < $2; i++)); do
        wait_for 60 next_child
        last=$child
        kill "-$1" "$child"
    done
}
failures() { "$RELIN" status --json f.h5 | "$PYTHON" -c 'import json, sys; print([(f["class"], f["attempts"]) for f in json.load(sys.stdin)["failures"]])'; }

@test "a job that crashes every time is set aside with its signal, and --retry runs it again" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 2> log &
    pid=$!
    kill_each SEGV 3
    status=0; wait $pid || status=$?
    [ "$status" -eq 3 ]
    [ "$(failures)" = "[('crashed', 3)]" ]
    run "$RELIN" status f.h5
    [[ "$output" == *"crashed, 3 attempts: killed by signal 11"*"what to do:"*"--retry crashed"* ]]
    # it stays so, for another class too
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5
    [ "$status" -eq 3 ]
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 --retry=wall,lost
    [ "$status" -eq 3 ]
    [[ "$output" == *"--retry: no job of this file failed in such a way"* ]]
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 --retry=crashed &
    pid=$!
    wait_for 60 job_runs
    run "$RELIN" status f.h5
    [[ "$output" == *"0 failed, 1 running"*"crashed: killed by signal 11"* ]]
    kill -USR1 $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
}

@test "an unknown class is refused with those there are" {
    run "$RELIN" run "$SWEEPS/farm.yaml" --retry=crash -o f.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"--retry: expected failed, crashed, out-of-memory, wall, stopped, lost or bad-data"*"got crash"* ]]
}

@test "to be killed from outside is no attempt of the job, and has a limit of its own" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 limits.attempts=1 limits.attempts_stopped=4 2> log &
    pid=$!
    kill_each KILL 4
    status=0; wait $pid || status=$?
    [ "$status" -eq 3 ]
    [[ "$(failures)" == "[('stopped', 1)]" ]]
    [ "$(grep -c 'the job will run again: killed by signal 9' log)" -eq 3 ]
}

@test "memory that the allocator is refused is told as such" {
    (ulimit -v 900000; "$RELIN" --help >/dev/null) || skip "this build wants more addresses than the test allows"
    (ulimit -v 900000; "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 limits.attempts_out_of_memory=2 \
        'architectures.small={type: mlp, widths: [12000, 12000], activation: tanh}') || status=$?
    [ "$status" -eq 3 ]
    [ "$(failures)" = "[('out-of-memory', 2)]" ]
    run "$RELIN" status f.h5
    [[ "$output" == *"could not get "*" bytes"*"--retry out-of-memory"* ]]
}

@test "a child that the kernel kills for want of memory is told from one killed by hand" {
    status=0
    within 300000000 "'$RELIN' run '$SWEEPS/farm.yaml' ${jobs[*]} -o f.h5 limits.attempts_out_of_memory=2 \
        'architectures.small={type: mlp, widths: [9000, 9000], activation: tanh}'" || status=$?
    [ "$status" -eq 3 ]
    [ "$(failures)" = "[('out-of-memory', 2)]" ]
    "$RELIN" status f.h5 | grep 'killed by signal 9 (Killed) by the kernel for want of memory'
}

@test "a job beyond its wall limit keeps its checkpoint, and goes on from there with a longer one" {
    job=("${jobs[@]}" training.steps=3000000)
    "$RELIN" run "$SWEEPS/farm.yaml" "${job[@]}" -o whole.h5
    run "$RELIN" run "$SWEEPS/farm.yaml" "${job[@]}" limits.job_wall=0.6s limits.checkpoint=0.2s -o f.h5
    [ "$status" -eq 3 ]
    [ "$(failures)" = "[('wall', 1)]" ]
    [ -n "$(find f.h5.checkpoints -type f)" ]
    "$RELIN" run "$SWEEPS/farm.yaml" "${job[@]}" --retry=wall -o f.h5
    same whole.h5 f.h5
    [ "$(echo f.h5*)" = f.h5 ]
}

@test "a job whose every run is killed is set aside in the end" {
    for n in 1 2 3; do
        "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 limits.attempts_lost=3 2> log &
        pid=$!
        row_runs() { [ "$("$PYTHON" -c 'import h5py; print(h5py.File("f.h5")["status"][0])' 2>/dev/null)" = 1 ]; }
        wait_for 60 job_runs   # by then the file has no `running` of the run before
        wait_for 60 row_runs
        kill -KILL $pid
        wait $pid || true
        wait_for 10 nothing_runs
    done
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" -o f.h5 limits.attempts_lost=3
    [ "$status" -eq 3 ]
    [[ "$output" == *"failed for good: lost 3 times without having got on, the last: the run ended while it ran"* ]]
    [ "$(failures)" = "[('lost', 1)]" ]
}
