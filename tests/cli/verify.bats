# relin verify, and the result file as other readers see it.
# RELIN names the program under test, PYTHON the Python that has h5py, xarray and h5netcdf.

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-/usr/bin/python3}
    export TOOLS=$BATS_TEST_DIRNAME/../python
    . "$BATS_TEST_DIRNAME/../../.ci/mpi.sh"
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > sweep.yaml <<'YAML'
name: verify
data: {set: teacher, train: 20, validation: 5, test: 12, pool: 60, inputs: 4}
architectures:
  mlp-2x5: {type: mlp, widths: [5, 5], activation: tanh}
  mlp-1x6: {type: mlp, widths: [6], activation: relu}
grid: {architecture: [mlp-2x5, mlp-1x6], refresh_period: [1, 3, inf], training.momentum: [0, 0.5], training.batch: [full, 8], seed: 0..1}
training: {steps: 12, lr: 0.05, evaluations: 5}
kernels: {probe: 4, snapshots: 3, path_points: 4, parameters: final}
YAML
    "$RELIN" run sweep.yaml -o whole.h5 --progress=none
}

setup() { cd "$BATS_FILE_TMPDIR" || exit 1; }

need() { $PYTHON -c "import $1" 2>/dev/null || skip "$PYTHON lacks one of $1"; }

@test "a sample is a number or all" {
    for sample in -1 -2 1.5 some ''; do
        run "$RELIN" verify whole.h5 --sample="$sample"
        [ "$status" -eq 2 ]
        [[ "$output" == *"--sample: expected a whole number >= 0 or all, got '$sample'"* ]]
    done
}

@test "jobs run again give their stored numbers bit for bit" {
    run "$RELIN" verify whole.h5 --sample 5
    [ "$status" -eq 0 ]
    [[ "$output" == *"checksums: 48 of 48 done jobs are as they were committed"* ]]
    [ "$(grep -c 'bit for bit$' <<< "$output")" -eq 5 ]
    [[ "$output" == *"job 0 ("*"job 47 ("* ]]
}

@test "Gauss-Newton and the kernel engine give their numbers again, and K = 1 stays the baseline beside them" {
    "$RELIN" run sweep.yaml -o other.h5 --progress=none training.engine=kernel \
        grid='[{refresh_period: [1, 3], seed: 0..1}, {trainer: gauss-newton, refresh_period: [3, 100], seed: 0..1}]'
    run "$RELIN" verify other.h5 --sample 3
    [ "$status" -eq 0 ]
    [ "$(grep -c 'bit for bit$' <<< "$output")" -gt 0 ]
    "$RELIN" verify other.h5 --job 3 --job 15
    run "$RELIN" summary other.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"trainer gauss-newton"* && "$output" == *"trainer linearised"* ]]
    [[ "$output" != *"trainer standard"* && "$output" == *"vs K=1"* ]]
}

@test "one job is verified by its row and by its id" {
    need h5py
    id=$($PYTHON -c 'import h5py; print(h5py.File("whole.h5")["job_id"].asstr()[7])')
    run "$RELIN" verify whole.h5 --job 7 --job "$id"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^job 7 ' <<< "$output")" -eq 2 ]
}

@test "a damaged row is told by its checksum, with exit 3" {
    need h5py
    cp whole.h5 damaged.h5
    $PYTHON -c 'import h5py; f = h5py.File("damaged.h5", "r+"); f["curve_test_loss"][5, 1] += 1e-9'
    run "$RELIN" verify damaged.h5 --sample 0
    [ "$status" -eq 3 ]
    [[ "$output" == *"job 5: damaged"*"47 of 48"* ]]
}

@test "a number that running the job again does not give is shown, with exit 3" {
    need h5py
    cp whole.h5 wrong.h5
    $PYTHON - "$TOOLS" <<'PYTHON'
import sys, h5py
sys.path.insert(0, sys.argv[1])
import opens
with h5py.File("wrong.h5", "r+") as file:
    file["test_loss"][5] += 1e-9
    file["crc"][5] = opens.checksum(file, 5)
PYTHON
    run "$RELIN" verify wrong.h5 --job 5
    [ "$status" -eq 3 ]
    [[ "$output" == *"48 of 48"*"job 5 ("*"DIFFERS in 1 of"*"test_loss: 1 of 1 differ, the first at [0]: stored"* ]]
}

@test "another processor is compared to rounding, and told so" {
    need h5py
    cp whole.h5 elsewhere.h5
    $PYTHON - "$TOOLS" <<'PYTHON'
import sys, h5py
sys.path.insert(0, sys.argv[1])
import opens
with h5py.File("elsewhere.h5", "r+") as file:
    file["cpu_model"][5] = b"Another One"
    file["test_loss"][5] *= 1 + 1e-6
    file["crc"][5] = opens.checksum(file, 5)
PYTHON
    run "$RELIN" verify elsewhere.h5 --job 5
    [ "$status" -eq 0 ]
    [[ "$output" == *"again to rounding (largest relative difference"*"not bit for bit: Another One then"* ]]
}

@test "a job that is not done, an unknown one and a foreign file are refused" {
    need h5py
    run "$RELIN" verify whole.h5 --job 48
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected a row from 0 to 47 or a job_id of the file, got '48'"* ]]
    cp whole.h5 partly.h5
    $PYTHON -c 'import h5py; h5py.File("partly.h5", "r+")["status"][3] = 0'
    run "$RELIN" verify partly.h5 --job 3
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected a done job, but job 3 is not done"* ]]
    run "$RELIN" verify sweep.yaml
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected a result file of relin"* ]]
}

# change FILE STATEMENT: a copy of whole.h5 in which the statement changes file f
change() {
    cp whole.h5 "$1"
    $PYTHON - "$@" "$TOOLS" <<'PYTHON'
import sys, h5py
sys.path.insert(0, sys.argv[3])
import opens
with h5py.File(sys.argv[1], "r+") as f:
    exec(sys.argv[2])
PYTHON
}

@test "a whole file is checked without running anything, and without the data of its jobs" {
    cp whole.h5 alone.h5
    run env -u RELIN_DATA "$RELIN" verify alone.h5
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == "structure: "*" datasets are as FORMAT.md says"* ]]
    [[ "$output" == *"checksums: 48 of 48 done jobs are as they were committed"*"48 jobs: 48 done, 0 failed for good, 0 left" ]]
    cmp whole.h5 alone.h5
}

@test "every kind of damage to the structure is named, with exit 3" {
    need h5py
    while IFS='|' read -r statement expected; do
        change bent.h5 "$statement"
        run "$RELIN" verify bent.h5
        echo "$statement: $status: $output"
        [ "$status" -eq 3 ]
        [[ "$output" == *"$expected"* ]]
    done <<'CASES'
del f["test_loss"].attrs["units"]|test_loss: attribute units: expected a text, got none
del f["kernels/cka"].attrs["_FillValue"]|kernels/cka: attribute _FillValue: expected numbers, got none
f["host"].attrs["_Encoding"] = 1|host: attribute _Encoding: expected a text, got another type
f["eval"][2] = 7|eval: expected the numbers 0 to 4
f["curve_time"].dims[1].detach_scale(f["eval"])|curve_time: expected the scale eval on axis 1, got another or none
del f["seed"]|seed: expected a dataset, got none
del f["kernels/refresh_period"]; f["kernels/refresh_period"] = list(range(48)); f["refresh_period"].attrs["x"] = 1; del f["training_momentum"]|training_momentum: expected a dataset, got none
del f["config/resolved"]|config/resolved: expected a text, got none that can be read
del f["probe/set0/x"]|probe/set0/x: expected a dataset, got none
del f["provenance"]|provenance: expected a group, got none
del f.attrs["history"]|the file: attribute history: expected a text, got none
d = f["test_loss"][:].astype("f4"); del f["test_loss"]; f["test_loss"] = d|test_loss: its type is not that of FORMAT.md
del f["test_loss"]|damaged: dataset test_loss is missing
CASES
}

@test "every kind of damage to a row is named, with exit 3" {
    need h5py
    while IFS='|' read -r statement expected; do
        change bent.h5 "$statement"
        run "$RELIN" verify bent.h5
        echo "$statement: $status: $output"
        [ "$status" -eq 3 ]
        [[ "$output" == *"$expected"* ]]
    done <<'CASES'
f["kernels/kernel"][7, 1, 2, 3] += 1|job 7: damaged: its checksum is
f["status"][7] = 9|job 7: damaged: status: expected 0 to 4, got 9
f["outcome"][7] = b"fine"; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: outcome: expected completed or diverged, got 'fine'
f["engine"][7] = b"steam"; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: engine: expected one that relin has, got 'steam'
f["attempts"][7] = 0; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: attempts: expected at least 1
f["step"][7, 1] = 0; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: step: expected rising steps, then -1, got 0 at [1]
f["kernels/n_snapshots"][7] = 2; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: n_snapshots: expected 3, the number of snapshots with a step, got 2
f["test_accuracy"][7] = 1.5; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: test_accuracy: expected 0 to 1, got 1.5
f["status"][7] = 3; f["crc"][7] = opens.checksum(f, 7)|job 7: damaged: error: expected why the job failed, got nothing
f["job_id"][7] = "0123456789abcdef"|job 7: damaged: what it is: its text has the id
f["config/job_text"][7] = "{"|job 7: damaged: what it is:
CASES
}

@test "a column that says what jobs are and was changed is named, and made anew by the next run" {
    need h5py
    for column in seed kernels/seed refresh_period kernels/refresh_period feature_updates predicted_seconds_tangent; do
        cp whole.h5 bent.h5
        "$PYTHON" - "$column" <<'END'
import os, sys, h5py
with h5py.File("bent.h5") as f:
    at = f[sys.argv[1]].id.get_offset() + 8   # of the second job
with open("bent.h5", "r+b") as f:
    byte = os.pread(f.fileno(), 1, at)[0]
    os.pwrite(f.fileno(), bytes([byte ^ 2]), at)
END
        run "$RELIN" verify bent.h5
        [ "$status" -eq 3 ]
        [[ "$output" == "$column: is not what its checksum is of: "* ]]
        run "$RELIN" run sweep.yaml -o bent.h5 --progress=none
        [ "$status" -eq 0 ]
        [[ "$output" == *"$column of the result file is not what was written with it: made anew"*"48 were there already"* ]]
        "$RELIN" verify bent.h5
        "$PYTHON" "$TOOLS/same.py" whole.h5 bent.h5
    done
}

@test "what is no result file of this relin is refused with exit 2, without waiting for it" {
    need h5py
    mkdir -p folder
    : > empty.h5
    mkfifo pipe.h5 || true
    $PYTHON -c 'import h5py; h5py.File("other-kind.h5", "w")["x"] = 1'
    change newer.h5 'f.attrs.modify("relin_format_version", 2)'
    head -c 100000 /dev/urandom > noise.h5
    while IFS='|' read -r name expected; do
        for command in verify status "measure --metric cka" summary; do
            # shellcheck disable=SC2086
            run timeout $((20 * slowness)) "$RELIN" $command "$name"
            echo "$command $name: $status: $output"
            [[ "$output" == *"$name: $expected"* ]]
            [ "$status" -eq "$([ "$command" = verify ] && echo 2 || echo 70)" ]
        done
        run timeout $((60 * slowness)) "$RELIN" run sweep.yaml -o "$name" --progress=none
        [ "$status" -eq 70 ]
        [[ "$output" == *"$name: $expected"* ]]
        [ ! -e "$name.lock" ] && [ ! -e "$name.new" ]
    done <<'CASES'
folder|expected a result file of relin, got a folder
empty.h5|expected a result file of relin, got an empty file: remove it, or name another
pipe.h5|expected a result file of relin, got a pipe
other-kind.h5|expected a result file of relin, got another HDF5 file (no attribute relin_format_version)
newer.h5|written in format version 2, this relin reads up to 1: use a newer relin
noise.h5|expected a result file of relin, got a file that is not HDF5
/dev/null|expected a result file of relin, got a device
CASES
    run timeout $((60 * slowness)) "$RELIN" trace sweep.yaml --job 0 -o pipe.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"pipe.h5: expected a new file or an earlier trace to write to"* ]]
    run "$RELIN" verify no-such.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"no-such.h5: No such file or directory"* ]]
}

@test "a torn file is told as such, with exit 3, and no run writes to it" {
    cp whole.h5 torn.h5
    truncate -s -1 torn.h5
    before=$(sha256sum < torn.h5)
    run "$RELIN" verify torn.h5
    echo "$output"
    [ "$status" -eq 3 ]
    size=$(stat -c %s whole.h5)
    [[ "$output" == *"torn.h5: torn: by its beginning it has $size bytes, of which $((size - 1)) are there. Put a whole copy in its place; or move it away"* ]]
    run "$RELIN" run sweep.yaml -o torn.h5 --progress=none
    [ "$status" -eq 70 ]
    [[ "$output" == *"torn.h5: torn: by its beginning"* ]]
    [ "$(sha256sum < torn.h5)" = "$before" ]
}

@test "the result file is as FORMAT.md says, in both directions" {
    need h5py
    $PYTHON "$TOOLS/format.py" result whole.h5
    $PYTHON -c 'import h5py; f = h5py.File("whole.h5")
for name in "job eval refresh kernels/snapshot kernels/layer kernels/eigenvalue kernels/probe kernels/parameter".split():
    assert name in f, name'
    "$RELIN" run sweep.yaml -o lean.h5 --progress=none kernels.store=metrics kernels.parameters=none training.steps=3
    $PYTHON "$TOOLS/format.py" result lean.h5
    "$RELIN" run sweep.yaml -o least.h5 --progress=none kernels.snapshots=0 kernels.probe=0 kernels.path_points=0 \
        kernels.parameters=none training.steps=0
    $PYTHON "$TOOLS/format.py" result least.h5
    $PYTHON "$TOOLS/opens.py" least.h5
}

@test "a dataset that FORMAT.md does not know is found" {
    need h5py
    cp whole.h5 more.h5
    $PYTHON -c 'import h5py; h5py.File("more.h5", "r+")["config/unheard_of"] = 1'
    run $PYTHON "$TOOLS/format.py" result more.h5
    [ "$status" -eq 1 ]
    [[ "$output" == *"/config/unheard_of is in the file, but not in FORMAT.md"* ]]
}

@test "xarray opens, selects and unstacks the file, whole and while jobs are missing" {
    need h5py,xarray,h5netcdf
    $PYTHON "$TOOLS/opens.py" whole.h5
    cp whole.h5 partly.h5
    # what a row looks like before its job has ended
    $PYTHON - <<'PYTHON'
import h5py
with h5py.File("partly.h5", "r+") as file:
    columns = file["test_loss"].attrs["coordinates"].split()
    for name, dataset in file.items():
        if isinstance(dataset, h5py.Dataset) and dataset.dtype.kind == "f" and name not in columns:
            dataset[3] = float("nan")
    file["status"][3] = 0
    file["host"][3] = b""
PYTHON
    $PYTHON "$TOOLS/opens.py" partly.h5
    $PYTHON - <<'PYTHON'
import xarray as xr
ds = xr.open_dataset("whole.h5", engine="h5netcdf")
ds = ds.set_index(job=ds.attrs["axes"].split())
assert ds.attrs["axes"] == "architecture refresh_period seed training_momentum training_batch", ds.attrs["axes"]
assert ds.sel(architecture="mlp-2x5").sizes["job"] == 24
assert ds.sel(refresh_period=float("inf"), seed=1).sizes["job"] == 8
cube = ds.test_loss.unstack("job")
assert cube.shape == (2, 3, 2, 2, 2) and not cube.isnull().any(), cube.sizes
PYTHON
}
