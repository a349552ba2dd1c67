# Any program as a job: trainer: {command: [words]}.

load farm

# A program of its own for each test: prog.sh with the lines given, made executable.
program() { printf '#!/bin/sh\n%s\n' "$1" > prog.sh; chmod +x prog.sh; }
# sweep [LINES]: one job, or as many as the lines say, of ./prog.sh
sweep() { printf 'name: f\ntrainer: {command: [./prog.sh]}\n%s\n' "${1:-}" > s.yaml; }
# failure: class and reason of job 0
failure() { "$RELIN" status --json f.h5 | "$PYTHON" -c 'import json, sys; f = json.load(sys.stdin)["failures"][0]; print(f["class"] + ": " + f["error"])'; }
# refused LINES: runs prog.sh with them; the file's reason is in $reason
refused() {
    program "$1"; sweep "${2:-}"; rm -f f.h5
    run "$RELIN" run s.yaml limits.attempts=1
    [ "$status" -eq 3 ]
    reason=$(failure)
}
value() { "$PYTHON" -c "import h5py; f = h5py.File('f.h5'); print(($1))"; }
# is EXPECTED EXPRESSION
is() {
    local got
    got=$(value "$2")
    [ "$got" = "$1" ] || { echo "$2 is $got, expected $1"; return 1; }
}

@test "the example in Python gives the same file on one rank and on two, and its own metric is summarised" {
    cp -r "$ROOT/sweeps/programs" .
    "$RELIN" run programs/logistic.yaml grid.parameters.ridge=[0,1] grid.seed=0..1 -o one.h5
    mpirun -n 2 --oversubscribe "$RELIN" run programs/logistic.yaml grid.parameters.ridge=[0,1] grid.seed=0..1 -o two.h5
    "$PYTHON" - <<'END'
import h5py, numpy as np
one, two = h5py.File("one.h5"), h5py.File("two.h5")
for name in ["job_id", "metrics", "curve_metrics", "step", "curve_test_loss", "test_accuracy", "train_loss", "parameters_ridge", "seed"]:
    a, b = one[name][()], two[name][()]
    assert np.array_equal(a, b) or np.allclose(a, b, rtol=0, atol=0, equal_nan=True), name
assert [m.decode() for m in one["metric"][()]] == ["precision", "norm"]
assert list(one["step"][0][:6]) == [0, 10, 20, 30, 40, -1]
assert one["test_accuracy"][0] == one["curve_test_accuracy"][0][4] and 0.7 < one["test_accuracy"][0] < 0.9
assert one["trainer"][0] == b"python3 logistic.py" and one["engine"][0] == b"command" and one["outcome"][0] == b"completed"
assert one["cpu_seconds"][0] > 0 and one["max_rss_bytes"][0] > 1e6 and one["threads"][0] == 1
END
    run "$RELIN" summary one.h5 --metric precision --csv
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == "parameters_ridge,metric,"* ]]
    [[ "${lines[1]}" == "0,precision,,2,2,0,"* ]]
    run "$RELIN" summary one.h5 --metric precision --at step=20 --csv
    [ "$status" -eq 0 ]
    run "$RELIN" verify one.h5
    [ "$status" -eq 0 ]
    "$PYTHON" "$ROOT/tests/python/format.py" result one.h5
    "$RELIN" run programs/logistic.yaml grid.parameters.ridge=[0,1] grid.seed=0..1 --part 1/2 -o part.1.h5
    "$RELIN" run programs/logistic.yaml grid.parameters.ridge=[0,1] grid.seed=0..1 --part 2/2 -o part.2.h5
    "$RELIN" merge -o merged.h5 part.1.h5 part.2.h5
    "$RELIN" verify merged.h5
    "$PYTHON" -c 'import xarray, h5netcdf' || return 0
    "$PYTHON" -c 'import xarray; ds = xarray.open_dataset("one.h5", engine="h5netcdf"); print(ds.metrics.sel(metric="precision").values)'
}

@test "the example in shell runs beside its sweep file from wherever relin is started" {
    mkdir elsewhere && cd elsewhere
    "$RELIN" run "$ROOT/sweeps/programs/pi.yaml" grid.parameters.points=[100,1000] grid.seed=0..1 -o ../f.h5
    cd ..
    is "(True, 1000)" 'bool(abs(f["metrics"][2, 0] - 3.14) < 0.3), f["steps_done"][2]'
}

@test "a program gets its job on standard input, in a file, in its environment and in its words, and nothing of MPI" {
    cat > prog.py <<'END'
import json, os, sys
job, again = json.load(sys.stdin), json.load(open(os.environ["RELIN_JOB"]))
assert job == again and job["parameters"] == {"lr": 0.1, "name": "a b", "on": True}, job
assert job["training"]["trainer"]["command"][0] == "python3" and job["training"]["seed"] == 7
assert sys.argv[1:] == ["--lr=0.1", "7", "{x}", "a b"], sys.argv
assert os.environ["RELIN_SEED"] == "7" and os.environ["RELIN_PARAMETER_lr"] == "0.1" and os.environ["RELIN_PARAMETER_on"] == "true"
assert os.environ["OMP_NUM_THREADS"] == os.environ["RELIN_THREADS"] == "2"
assert os.path.isdir(os.environ["RELIN_CHECKPOINT"]) and os.environ["RELIN_CHECKPOINT"].endswith(os.environ["RELIN_JOB_ID"])
assert not [name for name in os.environ if name.startswith(("OMPI_", "PMIX_"))], os.environ
assert os.getpgrp() == os.getpid()
print(json.dumps({"feature_updates": 12, "test_loss": 1.5}))
END
    cat > s.yaml <<'END'
name: f
trainer: {command: [python3, prog.py, "--lr={parameters.lr}", "{seed}", "{x}", "{parameters.name}"]}
parameters: {lr: 1e-1, name: a b, on: true}
training: {threads: 2, seed: 7}
END
    mpirun -n 1 "$RELIN" run s.yaml
    is "(12, 1.5, 7)" 'f["refreshes_done"][0], f["test_loss"][0], f["seed"][0]'
    ! [ -e f.h5.checkpoints ]
}

@test "what a program prints must be JSON that relin knows: the line, what was expected, what was there" {
    refused 'echo "{\"step\": 1}"; echo Epoch 1'
    [[ "$reason" == "bad-data: ./prog.sh: line 2 of its output: expected a JSON object"*"got 'Epoch 1'"* ]]
    refused 'echo "{\"f1\": 1}"'
    [[ "$reason" == *"line 1 of its output: expected step, train_loss"*"got 'f1': add it to metrics"* ]]
    refused 'echo "{\"test_accuracy\": 91}"'
    [[ "$reason" == *"test_accuracy: expected a number from 0 to 1, got 91"* ]]
    refused 'echo "{\"step\": 5}"; echo "{\"step\": 4}"'
    [[ "$reason" == *"line 2 of its output: step: expected at least 5"*"got 4"* ]]
    refused 'head -c 70000 /dev/zero | tr "\0" x'
    [[ "$reason" == *"expected at most 65536 characters in a line"* ]]
    refused 'yes "{"'
    [[ "$reason" == *"line 1 of its output: expected a JSON object"* ]]
    refused 'exec >&-; true'
    [[ "$reason" == "bad-data: ./prog.sh: it ended without a result"* ]]
    refused 'sleep 100 & echo $! > pid'
    [[ "$reason" == *"it ended without a result"*"background"* ]]
    ! kill -0 "$(cat pid)" 2>/dev/null
}

@test "a program that fails is told by its code or signal and its last words" {
    refused 'echo "ValueError: no such file" >&2; exit 7'
    [[ "$reason" == "crashed: ./prog.sh: ended with exit code 7; it said: ValueError: no such file" ]]
    [[ "$output" == *"./prog.sh said at last:"* ]]
    refused 'kill -SEGV $$'
    [[ "$reason" == "crashed: ./prog.sh: killed by signal 11"* ]]
    refused 'kill -TERM $$' 'limits: {attempts_stopped: 1}'
    [[ "$reason" == "stopped: ./prog.sh: killed by signal 15"* ]]
    refused 'sleep 100 & echo $! > pid; wait' 'limits: {job_wall: 0.3s}'
    [[ "$reason" == "wall: stopped at its time limit"* ]]
    ! kill -0 "$(cat pid)" 2>/dev/null
    refused 'setsid sleep 100 & echo $! > pid; echo "{}"; exit 1'
    ! kill -0 "$(cat pid)" 2>/dev/null   # not even what left its group
    chmod -x prog.sh
    run "$RELIN" run s.yaml limits.attempts=1 --retry crashed
    [[ "$(failure)" == "bad-data: ./prog.sh: ./prog.sh may not be executed: chmod +x it"* ]]
    rm prog.sh
    run "$RELIN" run s.yaml limits.attempts=1 --retry bad-data
    [[ "$(failure)" == "bad-data: ./prog.sh: expected a program, but ./prog.sh is not found"* ]]
}

@test "a loss that is not finite is a diverged job, and a program that failed once runs again" {
    program 'test -e second || { touch second; exit 1; }; echo "{\"step\": 3, \"train_loss\": NaN}"'
    sweep
    run "$RELIN" run s.yaml
    [ "$status" -eq 0 ]
    is "(b'diverged', b'line 1 of its output: train_loss is NaN', 2)" 'f["outcome"][0], f["error"][0], f["attempts"][0]'
}

@test "a program that is asked to stop may keep its state and goes on from it" {
    program 'cd "$RELIN_CHECKPOINT"; test -e state && { echo "{\"test_loss\": 2}"; exit; }
trap "echo saved > state; exit 0" TERM; touch ../../started; while :; do sleep 0.05; done'
    sweep
    "$RELIN" run s.yaml & pid=$!
    wait_for 60 test -e started
    kill -USR1 $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
    [ "$(cat f.h5.checkpoints/*/state)" = saved ]
    run "$RELIN" run s.yaml
    [ "$status" -eq 0 ]
    is "(2.0, 1)" 'f["test_loss"][0], f["attempts"][0]'
    ! [ -e f.h5.checkpoints ]
}

@test "a run that is killed is taken up again, and runs no committed job twice" {
    program 'echo "$RELIN_SEED" >> runs; sleep 0.2; echo "{\"test_loss\": $RELIN_SEED}"'
    sweep 'grid: {seed: 0..5}'
    "$RELIN" run s.yaml & pid=$!
    wait_for 60 done_jobs f.h5 2
    kill -KILL $pid
    wait $pid || true
    wait_for 10 nothing_runs
    run "$RELIN" run s.yaml
    [ "$status" -eq 0 ]
    is "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]" 'f["test_loss"][()].tolist()'
    [ "$(grep -c '^0$' runs)" -eq 1 ]
}

@test "a program stands beside relin's own trainer in one file, and is not measured, traced or run again" {
    program 'echo "{\"step\": 1, \"test_loss\": 0.5}"'
    cat > s.yaml <<'END'
name: f
data: {set: teacher, train: 64, test: 32}
architectures: {small: {type: mlp, widths: [8]}}
training: {steps: 20, lr: 0.05}
kernels: {snapshots: 0, path_points: 0}
grid: {training.trainer: [standard, {command: [./prog.sh]}], seed: 0..1}
END
    run "$RELIN" plan s.yaml
    [[ "$output" == *"2 jobs are programs"*"limits.expected"* ]]
    "$RELIN" run s.yaml
    is "(['standard', 'standard', './prog.sh', './prog.sh'], 'small')" '[t.decode() for t in f["trainer"]], f["architecture"][2].decode()'
    run "$RELIN" summary f.h5 --metric test_loss --csv
    [ "$status" -eq 0 ]
    run "$RELIN" verify f.h5 --sample all
    [ "$status" -eq 0 ]
    [[ "$output" == *"job 2 (./prog.sh small seed 0): is a program of the user's own, not run again"* ]]
    run "$RELIN" measure f.h5 --metric kernel_trace
    [[ "$output" == *"job 2: is a program of the user's own"* ]]
    run "$RELIN" trace s.yaml --job 2 -o trace.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"--job: expected a job that relin trains, got a program"* ]]
}

@test "a program that the kernel kills for want of memory is told so, and what to do" {
    program 'exec "$PYTHON" -c "x = bytearray(10**9)"'
    sweep
    status=0
    within 300000000 "'$RELIN' run s.yaml limits.attempts_out_of_memory=2 -o f.h5" || status=$?
    [ "$status" -eq 3 ]
    [[ $(failure) == "out-of-memory: "*"killed by signal 9 (Killed) by the kernel for want of memory"* ]]
    is 2 'f["attempts"][0]'
    "$RELIN" status f.h5 | grep -- '--retry out-of-memory'
}
