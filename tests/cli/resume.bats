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

# forget FILE STATEMENT...: the file as if its last two jobs had not run, and what the statement changes in it; of what was
# planned it has no checksums, as files of earlier versions have none
forget() {
    "$PYTHON" - "$@" <<'PYTHON'
import h5py, sys
with h5py.File(sys.argv[1], "r+") as f:
    f["status"][-2:] = 0
    exec(sys.argv[2])
    for name in f:
        if name.startswith(("engine_planned", "predicted_seconds_")):
            f[name].attrs.pop("crc", None)
PYTHON
}

@test "a file of before engines were chosen goes on with the tangent engine, and its jobs keep their ids" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    cp whole.h5 f.h5
    forget f.h5 'for name in list(f): name.startswith(("engine_planned", "predicted_seconds_")) and f.__delitem__(name)'
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"12 of 12 jobs done"*"10 were there already"* ]]
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert "engine_planned" not in f and set(f["engine"][8:]) == {b"tangent"}, f["engine"][:]'
    # grown, it is a new file that says what its old jobs were stepped by
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..4 -o f.h5
    "$PYTHON" - <<'PYTHON'
import h5py, numpy as np
f = h5py.File("f.h5")
old = f["seed"][:] < 4
assert len(old) == 15 and np.isnan(f["predicted_seconds_tangent"][:][old]).all()
assert np.isfinite(f["predicted_seconds_tangent"][:][~old]).all()
assert set(f["engine_planned"].asstr()[:][old]) == {"standard", "tangent"}, f["engine_planned"][:]
PYTHON
    "$RELIN" verify f.h5 --sample all
}

@test "a grown file keeps what was planned of its jobs" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..1 -o f.h5
    forget f.h5 'f["predicted_seconds_tangent"][:] = 123'
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); s = f["predicted_seconds_tangent"][:]; assert ((s == 123) == (f["seed"][:] < 2)).all(), s'
}

@test "a resumed file steps by the engines that were planned with it" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    forget f.h5 'assert f["engine_planned"].asstr()[-1] == "tangent"; f["engine_planned"][-2:] = "kernel"'
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    "$PYTHON" -c 'import h5py; e = list(h5py.File("f.h5")["engine"][:]); assert e == [b"standard"] * 4 + [b"tangent"] * 6 + [b"kernel"] * 2, e'
}

@test "an engine that this program does not know is refused, and the file kept" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    forget f.h5 'f["engine_planned"][5] = "warp"'
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 70 ]
    [[ "$output" == *"f.h5: job 5: engine_planned: expected standard, tangent, kernel or filter, got 'warp'"* ]]
    [ ! -e f.h5.lock ] && [ ! -e f.h5.new ]
}
