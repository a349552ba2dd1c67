# A job that was stopped goes on from its checkpoint, to the bits of one that never was.

load farm

# jobs that take some seconds, one of each K; kernels are followed
jobs=(training.steps=$((400000 / slowness)) training.evaluations=8 grid.seed=0)
longer=(training.steps=$((800000 / slowness)) training.evaluations=8 grid.seed=0)

# checkpoints N FILE: at least N jobs have one.
checkpoints() { [ "$(find "$2.checkpoints" -type f ! -name '*.new' 2>/dev/null | wc -l)" -ge "$1" ]; }
# newer FILE: a checkpoint of its was written since `stamp` was.
newer() { [ -n "$(find "$1.checkpoints" -type f ! -name '*.new' -newer stamp 2>/dev/null)" ]; }
nothing_beside() { [ "$(echo "$1"*)" = "$1" ] || { echo "left:" "$1"*; return 1; }; }

@test "after SIGKILL of all ranks in the middle of long jobs they go on to the same bits" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" limits.checkpoint=none -o whole.h5
    nothing_beside whole.h5
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" limits.checkpoint=0.1s -o f.h5 &
    wait_for 60 checkpoints 2 f.h5
    for pid in $! $(pgrep -P $!); do kill -KILL "$pid"; done
    wait $! || true
    wait_for 10 nothing_runs
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" limits.checkpoint=0.1s -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" != *ignored* ]]
    same whole.h5 f.h5
    nothing_beside f.h5
}

@test "a run that is killed after every checkpoint still comes to its end" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 training.engine=kernel -o whole.h5
    interval=$("$PYTHON" -c 'import h5py; print(h5py.File("whole.h5")["cpu_seconds"][0] / 8)')   # under sanitizers it is a long one
    for round in {1..60}; do
        touch stamp
        "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 training.engine=kernel \
            limits.checkpoint="${interval}s" -o f.h5 &
        pid=$!
        while ! newer f.h5 && kill -0 $pid 2>/dev/null; do sleep 0.02; done
        kill -KILL $pid 2>/dev/null || true
        status=0; wait $pid || status=$?
        [ "$status" -ne 0 ] || break
        wait_for 10 nothing_runs
    done
    echo "$round rounds"
    [ "$status" -eq 0 ]
    [ "$round" -gt 1 ]
    same whole.h5 f.h5
    nothing_beside f.h5
}

@test "a drain writes what runs within seconds, burns no attempt, and the jobs go on to the same bits" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" -o whole.h5
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" -o f.h5 &
    pid=$!
    wait_for 60 job_runs
    kill -USR1 $pid
    wait_for 8 not job_runs
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
    checkpoints 1 f.h5
    [ -z "$(find f.h5.checkpoints -name '*.new')" ]
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" -o f.h5
    same whole.h5 f.h5
    "$PYTHON" -c 'import h5py; a = h5py.File("f.h5")["attempts"][:]; assert (a == 1).all(), a'
    nothing_beside f.h5
}

@test "a child that is asked to stop by itself is handed out again" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" grid.refresh_period=1 -o whole.h5
    "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" grid.refresh_period=1 -o f.h5 &
    pid=$!
    wait_for 60 job_runs
    kill -USR1 "$(named '^relin-job' | head -n 1)"
    wait $pid
    same whole.h5 f.h5
    "$PYTHON" -c 'import h5py; a = h5py.File("f.h5")["attempts"][:]; assert (a == 1).all(), a'
}

# stop_one: f.h5 with a checkpoint of its one job, and whole.h5
stop_one() {
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 -o whole.h5
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 limits.checkpoint=0.1s -o f.h5 &
    wait_for 60 checkpoints 1 f.h5
    kill -USR1 $!
    wait $! || true
    wait_for 10 nothing_runs
}

@test "a damaged checkpoint, and that of another thread count, are ignored with a message" {
    stop_one
    file=$(echo f.h5.checkpoints/*)
    cp "$file" kept
    truncate -s -100 "$file"
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"$file: torn or damaged"*"ignored: the job starts from its beginning"* ]]
    same whole.h5 f.h5
    nothing_beside f.h5
    # the same job on other kernels of BLAS has other bits
    "$PYTHON" - kept <<'PYTHON'
import sys, zlib, struct
data = open(sys.argv[1], "rb").read()[:-16]
at = data.index(b"threads 1")
data = data[:at] + b"threads 2" + data[at + 9:]
open(sys.argv[1], "wb").write(data + struct.pack("<QII", len(data), zlib.crc32(data), 0))
PYTHON
    mkdir f.h5.checkpoints && mv kept "$file"
    "$PYTHON" -c 'import h5py; h5py.File("f.h5", "r+")["status"][:] = 1'
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"$file: expected a checkpoint of 'job "*"threads 1', got one of 'job "*"threads 2'; ignored"* ]]
    same whole.h5 f.h5
}

@test "one that a killed run left of a job that is done is removed by the next" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    mkdir f.h5.checkpoints
    id=$("$PYTHON" -c 'import h5py; print(h5py.File("f.h5")["job_id"].asstr()[0])')
    touch "f.h5.checkpoints/$id" "f.h5.checkpoints/$id.new"
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    nothing_beside f.h5
}

@test "where checkpoints cannot be written the jobs run on without" {
    touch f.h5.checkpoints
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 limits.checkpoint=0.1s -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"no checkpoint: f.h5.checkpoints/"*": Not a directory"*"1 of 1 jobs done"* ]]
}

@test "a full disk costs the checkpoint and nothing else" {
    mkdir f.h5.checkpoints
    mount -t tmpfs -o size=4k none f.h5.checkpoints 2>/dev/null || skip "needs the right to mount a small disk"
    status=0
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 limits.checkpoint=0.1s -o f.h5 2>log || status=$?
    left=$(ls -A f.h5.checkpoints)
    umount f.h5.checkpoints
    [ "$status" -eq 0 ] && [ -z "$left" ]
    grep -q 'no checkpoint: f.h5.checkpoints/.*: No space left on device' log
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 -o whole.h5
    same whole.h5 f.h5
}

@test "RELIN_LOG says when a job was kept and what goes on, and a level that is none is told" {
    RELIN_LOG=debug "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 limits.checkpoint=0.1s -o f.h5 2>log &
    wait_for 60 grep -qE 'relin: debug: job [0-9a-f]{16} \(process [0-9]+\): checkpoint of its state after [0-9.]+ s of processor time, written in [0-9.]+ s' log
    kill -USR1 $!
    wait $! || true
    RELIN_LOG=info run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"relin: info: job "*" goes on from its checkpoint"* ]]
    [[ "$output" != *debug* ]]
    RELIN_LOG=loud run "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o g.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"RELIN_LOG: expected error, warning, info or debug, got 'loud'"* ]]
}

@test "something else in a checkpoint's place is told, and the job runs without" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 -o whole.h5
    id=$("$PYTHON" -c 'import h5py; print(h5py.File("whole.h5")["job_id"].asstr()[0])')
    mkdir -p "f.h5.checkpoints/$id"
    run "$RELIN" run "$SWEEPS/farm.yaml" "${jobs[@]}" grid.refresh_period=10 limits.checkpoint=0.1s -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"f.h5.checkpoints/$id: "*"ignored: the job starts from its beginning"* ]]
    [[ "$output" == *"no checkpoint: f.h5.checkpoints/$id"*"1 of 1 jobs done"* ]]
    same whole.h5 f.h5
}
