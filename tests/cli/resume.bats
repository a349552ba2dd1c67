# Going on after a kill, with a grown grid, and beside another run.

load farm

@test "after SIGKILL of mpirun and all ranks the same command completes to the same bits" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o whole.h5 &
    whole=$!
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5 &
    wait_for 60 done_jobs f.h5 3
    for pid in $! $(pgrep -P $!); do kill -KILL "$pid"; done
    wait $! || true
    wait $whole
    wait_for 10 nothing_runs
    no_names_left
    run "$RELIN" status --exit-code f.h5
    [ "$status" -eq 75 ]
    finished=$("$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); print(f["start_time"][:][f["status"][:] == 2].tolist())')
    mpi 3 "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5
    same whole.h5 f.h5
    # what was finished was not run again
    "$PYTHON" - "$finished" <<'PYTHON'
import h5py, json, sys
before, now = json.loads(sys.argv[1]), set(h5py.File("f.h5")["start_time"][:])
assert len(before) >= 3 and all(t in now for t in before), (before, now)
PYTHON
}

@test "a complete file is left as it is" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    before=$(sha256sum < f.h5)
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"12 of 12 jobs done"*"12 were there already"* ]]
    [ "$(sha256sum < f.h5)" = "$before" ]
}

@test "a grown grid keeps what is done and runs the rest" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..1 -o f.h5
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"12 of 12 jobs done"*"6 were there already"* ]]
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    same whole.h5 f.h5
}

@test "a sweep without a finished job of the file is refused, and the file kept" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    before=$(sha256sum < f.h5)
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..2 -o f.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"f.h5: expected a sweep with all jobs that are done in this file, got one without 3 of its 12"* ]]
    [ "$(sha256sum < f.h5)" = "$before" ]
    [ ! -e f.h5.lock ] && [ ! -e f.h5.new ]
    no_names_left
}

@test "a second run of the same file is refused while the first lives" {
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o f.h5 &
    pid=$!
    wait_for 20 job_runs
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o f.h5
    [ "$status" -eq 75 ]
    [[ "$output" == *"f.h5: in use by a run on"* ]]
    kill -USR1 $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
}
