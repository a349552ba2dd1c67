# relin measure: metrics added to a file afterwards are those that the run would have measured.

load farm

bare=(kernels.snapshots=0 kernels.path_points=0)
kernels=(--set kernels.snapshots=3 --set kernels.path_points=4)

run_sweep() { "$RELIN" run "$SWEEPS/farm.yaml" "$@" > run.log; }
need() { "$PYTHON" -c "import $1" 2>/dev/null || skip "python3 has no $1"; }
# The ids differ, since the keys of kernels are in them, and the cost by formula.
same_but_flops() { "$PYTHON" "$ROOT/tests/python/same.py" --rows "$1" "$2" flops; }
later_job_runs() { [ -n "$(named '^relin-job-[1-4]$')" ]; }
# count NAME: a number of the JSON in $output
count() { "$PYTHON" -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$output" "$1"; }
# told REPLAYED FROM_KERNEL THERE: what the JSON in $output must say
told() {
    [ "$(count replayed) $(count from_kernel) $(count there)" = "$*" ] || { echo "got: $output"; return 1; }
}

@test "kernels, matrices, parameters and stability measured afterwards are those of the run, bit for bit" {
    need h5py
    run_sweep kernels.parameters=final kernels.stability=true -o whole.h5
    run_sweep "${bare[@]}" -o bare.h5
    run "$RELIN" measure bare.h5 --json --metric kernels --metric kernel --metric parameter_change \
        --metric refresh_stability_ratio "${kernels[@]}"
    [ "$status" -eq 0 ]
    told 12 0 0
    same_but_flops whole.h5 bare.h5
    run "$RELIN" verify bare.h5 --sample all
    [ "$status" -eq 0 ]
    [[ "$output" == *"12 of 12 done jobs are as they were committed"* ]]
    [ "$(grep -c 'bit for bit$' <<< "$output")" -eq 12 ]
    run "$RELIN" measure bare.h5 --json --metric kernels --metric kernel --metric parameter_change \
        --metric refresh_stability_ratio
    told 0 0 12
}

@test "in double precision, with momentum and mini-batches, too" {
    need h5py
    set -- training.precision=double training.momentum=0.5 training.batch=7
    run_sweep "$@" -o whole.h5
    run_sweep "$@" "${bare[@]}" -o bare.h5
    "$RELIN" measure bare.h5 --jobs 3 --metric kernels --metric kernel "${kernels[@]}"
    same_but_flops whole.h5 bare.h5
}

@test "jobs of other engines and of Gauss-Newton are replayed as they ran" {
    need h5py
    for how in "training.engine=kernel" "training.engine=filter training.batch=full" "training.trainer=gauss-newton training.damping=0.1 training.lr=1 training.batch=full training.steps=6"; do
        # shellcheck disable=SC2086
        set -- $how grid.seed=0..1
        run_sweep "$@" -o whole.h5
        run_sweep "$@" "${bare[@]}" -o bare.h5
        "$RELIN" measure bare.h5 --metric kernels --metric kernel "${kernels[@]}"
        same_but_flops whole.h5 bare.h5
        rm whole.h5 bare.h5
    done
}

@test "the engine that auto chose stays with a measured job, through a replay and a resumed run" {
    need h5py
    set -- training.batch=full training.steps=3000 "${bare[@]}"
    run_sweep "$@" grid.seed=0..1 -o f.h5
    chosen='import h5py; f = h5py.File("f.h5"); print(sorted(set(zip(f["refresh_period"][:], f["engine_planned"].asstr()[:]))))'
    before=$("$PYTHON" -c "$chosen")
    [[ "$before" == *filter* || "$before" == *kernel* ]]
    "$RELIN" measure f.h5 --metric kernels "${kernels[@]}"
    "$PYTHON" - <<'PYTHON'
import h5py
f = h5py.File("f.h5")
for engine, text in zip(f["engine"].asstr()[:], f["config/job_text"].asstr()[:]):
    assert engine == "standard" or f'"engine_planned":"{engine}","measured":{{' in text, (engine, text)
PYTHON
    cp f.h5 measured.h5
    run_sweep "$@" -o f.h5
    [ "$("$PYTHON" -c "$chosen")" = "$before" ]
    "$PYTHON" "$ROOT/tests/python/same.py" f.h5 measured.h5 eval
    "$RELIN" verify f.h5 --sample all
}

@test "kernels of other modes are measured as the run would have" {
    need h5py
    run_sweep grid.seed=0..1 kernels.mode=full -o whole.h5
    run_sweep grid.seed=0..1 "${bare[@]}" -o bare.h5
    "$RELIN" measure bare.h5 --metric kernels --metric kernel "${kernels[@]}" --set kernels.mode=full
    same_but_flops whole.h5 bare.h5
    "$RELIN" verify bare.h5 --sample all
    run "$RELIN" measure bare.h5 --metric kernel_regression_loss --set kernels.ridge=0.5
    [ "$status" -eq 2 ]
    [[ "$output" == *"kernels.ridge: expected 1e-06, as in the file, got 0.5: the job has kernel snapshots already"* ]]
}

@test "a measured file is described, opens in xarray, and says what was added" {
    need xarray
    run_sweep "${bare[@]}" -o f.h5
    "$RELIN" measure f.h5 --metric cka --set kernels.snapshots=5
    "$PYTHON" "$ROOT/tests/python/opens.py" f.h5
    "$PYTHON" "$ROOT/tests/python/format.py" result f.h5
    "$PYTHON" - <<'PYTHON'
import h5py
f = h5py.File("f.h5")
assert f["kernels/cka"].shape == (12, 5)
lines = f.attrs["history"].split("\n")
assert len(lines) == 2 and "relin measure f.h5 --metric cka" in lines[1], lines
assert "12 jobs, the first with kernels.snapshots=5; 12 run again" in f["provenance"].attrs["measured"]
assert "measured" in f["config/job_text"].asstr()[0]
PYTHON
    [ ! -e f.h5.new ] && [ ! -e f.h5.lock ]
}

@test "--where chooses jobs, the others say not measured, and a later measurement adds them" {
    need h5py
    run_sweep -o whole.h5
    run_sweep "${bare[@]}" -o f.h5
    run "$RELIN" measure f.h5 --json --metric kernels --metric kernel "${kernels[@]}" --where refresh_period=1,inf --where seed=2
    [ "$status" -eq 0 ]
    told 2 0 0
    [ "$(count selected)" -eq 2 ]
    "$PYTHON" - <<'PYTHON'
import h5py, numpy as np
f = h5py.File("f.h5")
chosen = np.isin(f["refresh_period"][:], [1, np.inf]) & (f["seed"][:] == 2)
assert (np.isfinite(f["kernels/kernel_trace"][:]).all(axis=1) == chosen).all()
assert (f["kernels/n_snapshots"][:] == np.where(chosen, 3, 0)).all()
assert (f["kernels/step"][:][~chosen] == -1).all()
PYTHON
    "$RELIN" verify f.h5 --sample all
    run "$RELIN" measure f.h5 --json --metric kernels --metric kernel "${kernels[@]}"
    told 10 0 2
    same_but_flops whole.h5 f.h5
}

@test "more evaluation points join the curves, and the old ones stay" {
    need h5py
    run_sweep -o f.h5
    cp f.h5 before.h5
    run_sweep training.evaluations=17 -o fine.h5
    "$RELIN" measure f.h5 --metric curves --set training.evaluations=17
    "$PYTHON" - <<'PYTHON'
import h5py, numpy as np
f, before, fine = (h5py.File(n) for n in ("f.h5", "before.h5", "fine.h5"))
curves = [n for n in f if n.startswith("curve_")]
assert len(curves) == 13
for row in range(12):
    steps = f["step"][row]
    used = steps[steps >= 0]
    assert (np.diff(used) > 0).all()
    assert set(used) == set(before["step"][row]) | set(fine["step"][row])
    for other in (before, fine):
        at = [list(steps).index(s) for s in other["step"][row] if s >= 0]
        for name in curves:
            assert f[name][row][at].tobytes() == other[name][row][:len(at)].tobytes(), name
PYTHON
    "$RELIN" verify f.h5 --sample all
    run "$RELIN" measure f.h5 --metric curves --set training.evaluations=30
    [ "$status" -eq 2 ]
    [[ "$output" == *"training.evaluations: expected 17, as in the file, got 30: points were added"* ]]
}

@test "a probe of another size leaves the training rows alone, and /probe says which rows it is of" {
    need h5py
    for probe in 0 8; do
        run_sweep kernels.probe=$probe "${bare[@]}" -o f.h5
        "$RELIN" measure f.h5 --metric kernels --set kernels.probe=12 --set kernels.snapshots=3 --set kernels.path_points=4
        "$RELIN" verify f.h5 --sample all
        "$PYTHON" - <<'PYTHON'
import h5py, numpy as np
f = h5py.File("f.h5")
assert f["kernels/eigenvalues"].shape == (12, 3, 24)
assert np.isfinite(f["kernels/kernel_trace"][:]).all() and np.isfinite(f["kernels/kernel_path_length"][:]).all()
sets, seed = f["probe/set"][:], f["seed"][:]
probes = {s: f[f"probe/set{n}/index"][:][:12].tolist() for s, n in zip(seed, sets)}
assert len(np.unique(sets)) == len(np.unique(seed)) == 4   # filled up from each seed's own training rows
assert len({tuple(p) for p in probes.values()}) == 4
assert all(len(set(p)) == 12 for p in probes.values())
tests = {tuple(f[f"probe/set{n}/index"][:][12:]) for n in sets}
assert len(tests) == 1                                      # the test half is common
PYTHON
        rm f.h5
    done
    run_sweep kernels.probe=8 "${bare[@]}" -o f.h5
    "$RELIN" measure f.h5 --metric kernels --set kernels.probe=4
    [ "$("$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); print(len(set(f["probe/set"][:])), len(f["probe/set0/index"]))')" = "1 8" ]
}

# A data set of images in a folder, to be taken away.
write_letters() {
    "$PYTHON" - <<'PYTHON'
import os, random, struct
random.seed(1)
os.makedirs("data/letters", exist_ok=True)
for pool in ("train", "t10k"):
    with open(f"data/letters/{pool}-images-idx3-ubyte", "wb") as f:
        f.write(struct.pack(">IIII", 2051, 60, 4, 4) + bytes(random.randrange(256) for _ in range(60 * 16)))
    with open(f"data/letters/{pool}-labels-idx1-ubyte", "wb") as f:
        f.write(struct.pack(">II", 2049, 60) + bytes(i % 3 for i in range(60)))
PYTHON
    cat > letters.yaml <<'YAML'
name: letters
data: {set: letters, train: 30, test: 30}
architectures: {small: {type: mlp, widths: [16], activation: tanh}}
grid: {architecture: [small], refresh_period: [1, 10, inf], seed: 0..1}
training: {loss: half-mse, steps: 60, batch: full, lr: 0.05, evaluations: 6}
kernels: {probe: 8, snapshots: 7, path_points: 7}
YAML
    export RELIN_DATA=$PWD/data
}

# As an older program would have left it: without variables.
drop() {
    "$PYTHON" - "$ROOT/tests/python" "$@" <<'PYTHON'
import sys
import h5py
sys.path.insert(0, sys.argv[1])
from opens import checksum
with h5py.File(sys.argv[2], "r+") as f:
    for name in sys.argv[3:]:
        for dim in f[name].dims:
            dim.detach_scale(dim[0])
        del f[name]
with h5py.File(sys.argv[2], "r+") as f:
    f["crc"][:] = [checksum(f, job) for job in range(len(f["crc"]))]
PYTHON
}

@test "metrics of the stored kernels need neither training nor data, and are marked as of float32" {
    need h5py
    write_letters
    "$RELIN" run letters.yaml -o whole.h5 > run.log
    cp whole.h5 f.h5
    names=(kernel_trace kernel_distance kernel_distance_previous kernel_velocity relative_change trace_ratio lambda_max
           stability cka effective_rank entropy_rank eigenvalues)
    drop f.h5 "${names[@]/#/kernels/}"
    mv data gone
    run "$RELIN" measure f.h5 --json "${names[@]/#/--metric=}"
    [ "$status" -eq 0 ]
    told 0 6 0
    "$PYTHON" - "${names[@]}" <<'PYTHON'
import h5py, numpy as np, sys
f, whole = h5py.File("f.h5"), h5py.File("whole.h5")
for name in sys.argv[1:]:
    a, b = f["kernels"][name][:], whole["kernels"][name][:]
    assert np.allclose(a, b, rtol=1e-4, atol=1e-5 * np.nanmax(np.abs(b)), equal_nan=True), (name, a, b)
    assert "float32" in f["kernels"][name].attrs["comment"]
assert '"from_kernel":["kernel_trace","kernel_distance",' in f["config/job_text"].asstr()[0]
PYTHON
    mv gone data
    "$RELIN" verify f.h5 --sample all
    run "$RELIN" measure f.h5 --json "${names[@]/#/--metric=}"
    told 0 0 6
}

@test "targets of stored kernels come from the data set, and what they do not hold from a replay" {
    need h5py
    write_letters
    "$RELIN" run letters.yaml -o whole.h5 > run.log
    cp whole.h5 f.h5
    drop f.h5 kernels/target_alignment_train kernels/target_alignment_test kernels/target_energy
    run "$RELIN" measure f.h5 --json --metric target_alignment_train --metric target_alignment_test --metric target_energy
    told 0 6 0
    "$PYTHON" - <<'PYTHON'
import h5py, numpy as np
f, whole = h5py.File("f.h5"), h5py.File("whole.h5")
for name in ("target_alignment_train", "target_alignment_test", "target_energy"):
    assert np.allclose(f["kernels"][name][:], whole["kernels"][name][:], rtol=1e-4, equal_nan=True), name
PYTHON
    cp whole.h5 f.h5
    drop f.h5 kernels/cka_linearised kernels/layer_trace_share kernels/condition_number
    run "$RELIN" measure f.h5 --json --metric cka_linearised
    told 4 2 0   # at K = 1 the linearisation point is theta_t
    run "$RELIN" measure f.h5 --json --metric layer_trace_share --metric condition_number
    [ "$status" -eq 0 ]
    "$RELIN" verify f.h5 --sample all
    run "$RELIN" measure f.h5 --json --metric kernels --metric cka_linearised
    [ "$status" -eq 0 ]
    "$PYTHON" -c 'import h5py, numpy as np
f, w = h5py.File("f.h5"), h5py.File("whole.h5")
for n in ("layer_trace_share", "condition_number"): assert f["kernels"][n][:].tobytes() == w["kernels"][n][:].tobytes(), n'
}

@test "an older file goes on with a run, and what its rows lack can be measured" {
    need h5py
    run_sweep -o whole.h5
    run_sweep grid.seed=0..1 -o f.h5
    drop f.h5 kernels/cka kernels/layer_trace_share
    "$RELIN" verify f.h5 --sample all
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [[ "$output" == *"12 of 12 jobs done"*"6 were there already"* ]]
    "$RELIN" verify f.h5 --sample all
    run "$RELIN" measure f.h5 --json --metric layer_trace_share --metric cka
    told 6 0 6
    "$PYTHON" "$ROOT/tests/python/same.py" whole.h5 f.h5
    run "$RELIN" measure f.h5 --json --metric layer_trace_share --metric cka
    told 0 0 12
}

@test "a path length whose times are those of the snapshots needs no training" {
    need h5py
    write_letters
    "$RELIN" run letters.yaml -o whole.h5 > run.log
    "$RELIN" run letters.yaml kernels.path_points=0 -o f.h5 > run.log
    mv data gone
    run "$RELIN" measure f.h5 --json --metric kernel_path_length --set kernels.path_points=7
    [ "$status" -eq 0 ]
    told 0 6 0
    mv gone data
    "$PYTHON" -c 'import h5py, numpy as np
f, w = (h5py.File(n)["kernels/kernel_path_length"][:] for n in ("f.h5", "whole.h5"))
assert np.allclose(f, w, rtol=1e-3, atol=1e-6), (f, w)'
    "$RELIN" verify f.h5 --sample all
    # what they do not hold brings the exact number too, and takes the mark off
    run "$RELIN" measure f.h5 --json --metric kernel_path_length_linearised
    told 4 2 0
}

@test "an unknown metric, a key that trains, and what would replace numbers are refused and named" {
    run_sweep -o f.h5
    before=$(sha256sum < f.h5)
    refused() {
        local expected=$1
        shift
        run "$RELIN" measure f.h5 "$@"
        [ "$status" -eq 2 ] && [[ "$output" == *"$expected"* ]] || { echo "$status: $output"; return 1; }
    }
    refused "got 'kernel_distanze' (did you mean kernel_distance?)" --metric kernel_distanze
    refused "got 'test_loss'" --metric test_loss
    refused "expected --metric NAME" --json
    refused "got training.lr, which changes what is trained" --metric kernels --set training.lr=1
    refused "got 'kernels.snapshot' (did you mean kernels.snapshots?)" --metric kernels --set kernels.snapshot=1
    refused "kernels.snapshots: expected a whole number" --metric kernels --set kernels.snapshots=-1
    refused "kernels.snapshots: expected 3, as in the file, got 9" --metric kernels --set kernels.snapshots=9
    refused "kernels.path_points: expected 4, as in the file, got 9" --metric kernels --set kernels.path_points=9
    refused "kernels.probe: expected 8, as in the file, got 9" --metric kernels --set kernels.probe=9
    refused "--set: expected KEY=VALUE, got 'x'" --metric kernels --set x
    refused "--where seed: expected one of 0, 1, 2, 3, got '9'" --metric kernels --where seed=9
    refused "--where: expected an axis (architecture, refresh_period, seed, trainer, schedule), got 'sead'" --metric kernels --where sead=9
    refused "no job fits all of --where" --metric kernels --where seed=1 --where seed=2
    refused "--tolerance: expected a number >= 0, got 'much'" --metric kernels --tolerance much
    refused "--jobs: expected a whole number from 1 to 1024, got '0'" --metric kernels --jobs 0
    [ "$(sha256sum < f.h5)" = "$before" ]
    run "$RELIN" measure none.h5 --metric kernels
    [ "$status" -eq 70 ]
    [[ "$output" == *"none.h5: No such file"* ]]
    [ ! -e none.h5.lock ] && [ ! -e f.h5.lock ]
}

@test "a job whose stored numbers do not come out again gets nothing, with exit 3; --tolerance forgives rounding" {
    need h5py
    run_sweep "${bare[@]}" -o f.h5
    "$PYTHON" - "$ROOT/tests/python" <<'PYTHON'
import sys
import h5py
sys.path.insert(0, sys.argv[1])
from opens import checksum
with h5py.File("f.h5", "r+") as f:
    f["curve_test_loss"][4, 2] *= 1 + 1e-9
    f["train_loss"][7] += 1
with h5py.File("f.h5", "r+") as f:
    for job in (4, 7):
        f["crc"][job] = checksum(f, job)
    f["curve_test_loss"][9, 1] += 1   # damaged: its checksum does not fit
PYTHON
    run "$RELIN" measure f.h5 --metric kernels
    [ "$status" -eq 3 ]
    [[ "$output" == *"job 4: DIFFERS from what is stored in 1 of "*"curve_test_loss: 1 of 6 differ, the first at [2]"* ]]
    [[ "$output" == *"job 7: DIFFERS"*"train_loss"* ]]
    [[ "$output" == *"job 9: its numbers do not fit their checksum"* ]]
    [[ "$output" == *"9 of 12 jobs measured"*"2 differ from what is stored, 1 are damaged"* ]]
    measured='import h5py; print(h5py.File("f.h5")["kernels/n_snapshots"][:].tolist())'
    [ "$("$PYTHON" -c "$measured")" = "[12, 12, 12, 12, 0, 12, 12, 0, 12, 0, 12, 12]" ]
    run "$RELIN" measure f.h5 --json --metric kernels --tolerance 1e-6
    [ "$status" -eq 3 ]
    [ "$("$PYTHON" -c "$measured")" = "[12, 12, 12, 12, 12, 12, 12, 0, 12, 0, 12, 12]" ]
}

@test "a job of other BLAS kernels is refused unless rounding is allowed" {
    need h5py
    run_sweep "${bare[@]}" grid.seed=0 -o f.h5
    "$PYTHON" - "$ROOT/tests/python" <<'PYTHON'
import sys
import h5py
sys.path.insert(0, sys.argv[1])
from opens import checksum
with h5py.File("f.h5", "r+") as f:
    f["blas_core"][1] = b"Elsewhere"
with h5py.File("f.h5", "r+") as f:
    f["crc"][1] = checksum(f, 1)
PYTHON
    run "$RELIN" measure f.h5 --metric kernels
    [ "$status" -eq 3 ]
    [[ "$output" == *"job 1: ran with the BLAS kernels Elsewhere, here they are "*"set OPENBLAS_CORETYPE=Elsewhere"* ]]
    [[ "$output" == *"2 of 3 jobs measured"*"1 ran on other BLAS kernels"* ]]
    "$RELIN" measure f.h5 --metric kernels --tolerance 1e-3
}

@test "a live run is not disturbed, and a run not begun beside a measurement" {
    run_sweep "${bare[@]}" grid.seed=0 training.steps=300000 -o m.h5
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o f.h5 > run.log &
    pid=$!
    wait_for 20 job_runs
    run "$RELIN" measure f.h5 --metric kernels
    [ "$status" -eq 75 ]
    [[ "$output" == *"f.h5: in use by a run on"* ]]
    kill -USR1 $pid
    wait $pid || true
    wait_for 10 nothing_runs
    "$RELIN" measure m.h5 --metric kernels > measure.log &
    pid=$!
    wait_for 20 job_runs
    kill -STOP $pid   # else it may have ended by the time the run asks for the lock
    run "$RELIN" run "$SWEEPS/farm.yaml" "${bare[@]}" grid.seed=0 training.steps=300000 -o m.h5
    kill -CONT $pid
    [ "$status" -eq 75 ]
    wait $pid
}

@test "killed midway the file is as it was, and the same command then measures all" {
    need h5py
    run_sweep "${bare[@]}" grid.seed=0..1 training.steps=100000 -o f.h5
    run_sweep grid.seed=0..1 training.steps=100000 -o whole.h5
    before=$(sha256sum < f.h5)
    "$RELIN" measure f.h5 --jobs 1 --metric kernels --metric kernel "${kernels[@]}" > measure.log &
    pid=$!
    wait_for 30 later_job_runs
    kill -KILL $pid
    wait $pid || true
    wait_for 10 nothing_runs
    [ "$(sha256sum < f.h5)" = "$before" ]
    "$RELIN" verify f.h5 --sample 0
    "$RELIN" measure f.h5 --metric kernels --metric kernel "${kernels[@]}"
    same_but_flops whole.h5 f.h5
    [ ! -e f.h5.lock ] && [ ! -e f.h5.new ]
}

@test "USR1 stops with 75 and keeps what is measured; the same command goes on" {
    need h5py
    run_sweep "${bare[@]}" grid.seed=0..1 training.steps=100000 -o f.h5
    "$RELIN" measure f.h5 --jobs 1 --metric kernels "${kernels[@]}" > measure.log &
    pid=$!
    wait_for 30 later_job_runs
    kill -USR1 $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
    grep -q "left" measure.log
    [ -z "$(own_processes)" ]
    n=$("$PYTHON" -c 'import h5py; print(int((h5py.File("f.h5")["kernels/n_snapshots"][:] == 3).sum()))')
    [ "$n" -ge 1 ] && [ "$n" -lt 6 ]
    "$RELIN" verify f.h5 --sample 0
    run "$RELIN" measure f.h5 --json --metric kernels
    # the keys are not remembered for the rest, which has the defaults here
    [ "$status" -eq 0 ]
    told $((6 - n)) 0 "$n"
}

@test "a run with the old sweep file goes on in a measured file: nothing is dropped, nothing is mixed" {
    need h5py
    run_sweep "${bare[@]}" grid.seed=0..1 -o f.h5
    "$RELIN" measure f.h5 --metric kernels --metric kernel "${kernels[@]}" --set kernels.probe=10
    cp f.h5 measured.h5
    before=$(sha256sum < f.h5)
    run "$RELIN" run "$SWEEPS/farm.yaml" "${bare[@]}" grid.seed=0..1 -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"6 of 6 jobs done"*"6 were there already"* ]]
    [ "$(sha256sum < f.h5)" = "$before" ]
    # a grown grid: the new rows measure what their sweep says, the old ones keep what was added
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${bare[@]}" -o f.h5
    [[ "$output" == *"12 of 12 jobs done"*"6 were there already"* ]]
    # (the scale eval is as long as the measured file has jobs)
    "$PYTHON" "$ROOT/tests/python/same.py" f.h5 measured.h5 eval
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert (f["kernels/n_snapshots"][:] == [3 if s < 2 else 0 for s in f["seed"][:]]).all()'
    "$PYTHON" "$ROOT/tests/python/opens.py" f.h5
    run "$RELIN" verify f.h5 --sample all
    [ "$status" -eq 0 ]
    run "$RELIN" measure f.h5 --json --metric kernels --metric kernel "${kernels[@]}" --set kernels.probe=10
    told 6 0 6
    # a damaged row that was measured runs again as measured
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5", "r+"); f["curve_test_loss"][0, 1] += 1'
    "$RELIN" run "$SWEEPS/farm.yaml" "${bare[@]}" -o f.h5
    "$PYTHON" "$ROOT/tests/python/same.py" f.h5 measured.h5 eval flops
}

@test "where the copy cannot be written the file stays as it was" {
    run_sweep "${bare[@]}" grid.seed=0 -o f.h5
    before=$(sha256sum < f.h5)
    mkdir f.h5.new
    run "$RELIN" measure f.h5 --metric kernel_distance
    [ "$status" -eq 70 ]
    [[ "$output" == *"f.h5: cannot be copied to f.h5.new"* ]]
    [ "$(sha256sum < f.h5)" = "$before" ]
    [ ! -e f.h5.lock ]
}

@test "jobs that are not done are left out and counted" {
    need h5py
    run_sweep "${bare[@]}" -o f.h5
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5", "r+"); f["status"][3] = 0; f["status"][5] = 3'
    run "$RELIN" measure f.h5 --json --metric kernel_distance --where seed=0..3
    [ "$status" -eq 2 ]
    run "$RELIN" measure f.h5 --json --metric kernel_distance
    [ "$status" -eq 0 ]
    told 10 0 0
    [ "$(count not_done)" -eq 2 ]
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert f["status"][:].tolist() == [2, 2, 2, 0, 2, 3] + [2] * 6'
}

@test "a diverged job is measured up to where it broke, once" {
    need h5py
    run_sweep "${bare[@]}" training.lr=60 -o f.h5
    run_sweep training.lr=60 -o whole.h5
    "$PYTHON" -c 'import h5py; assert (h5py.File("f.h5")["outcome"][:] == b"diverged").any()'
    "$RELIN" measure f.h5 --metric kernels --metric kernel "${kernels[@]}"
    "$PYTHON" - <<'PYTHON'
import h5py
f, w = h5py.File("f.h5"), h5py.File("whole.h5")
for name in f["kernels"]:
    if f["kernels"][name].dtype.kind in "fi":
        assert f["kernels"][name][:].tobytes() == w["kernels"][name][:].tobytes(), name
PYTHON
    run "$RELIN" measure f.h5 --json --metric kernels --metric kernel
    told 0 0 12
}
