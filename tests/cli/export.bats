# relin export: netCDF-4 and CSV as other programs read them, held against the result file bit for bit.
# RELIN names the program under test, PYTHON the Python that has h5py, xarray, h5netcdf, pandas, netCDF4.

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-/usr/bin/python3}
    export EXPORTED=$BATS_TEST_DIRNAME/../python/exported.py
    . "$BATS_TEST_DIRNAME/../../.ci/mpi.sh"
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > sweep.yaml <<'YAML'
name: export
data: {set: sprites, train: 24, validation: 6, test: 12, pool: 80, label_noise: 0.1}
architectures:
  a: {type: mlp, widths: [5], activation: tanh}
  b: {type: mlp, widths: [4, 4], activation: relu}
grid:
  - {architecture: [a, b], refresh_period: [1, 3, inf], training.momentum: [0, 0.5], training.batch: [full, 8], seed: 0..1}
  - {architecture: [a], training.refresh: [{at: [2, 5]}], training.momentum: [0], training.batch: [full], seed: 0..1}
training: {steps: 12, lr: 0.02, evaluations: 5}
kernels: {probe: 12, snapshots: 3, path_points: 4, parameters: final, store: kernels}
YAML
    "$RELIN" run sweep.yaml -o whole.h5 --progress=none
    cp whole.h5 partly.h5
    # rows 0 to 39 done, the others in each of the other states
    $PYTHON -c 'import h5py; f = h5py.File("partly.h5", "r+"); f["status"][40:] = [0, 1, 3] * 3 + [0]' || true
}

setup() { cd "$BATS_FILE_TMPDIR" || exit 1; }
need() { $PYTHON -c "import $1" 2>/dev/null || skip "$PYTHON lacks one of $1"; }

@test "netCDF has every variable, attribute and bit of the file" {
    need "h5py, numpy"
    run "$RELIN" export whole.h5 -o whole.nc
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == "whole.nc: 50 of 50 jobs, "*" variables, "*" MB (the result file has "*" MB)" ]]
    run $PYTHON "$EXPORTED" netcdf whole.h5 whole.nc
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *" variables of 50 jobs agree bit for bit" ]]
    [ "$(stat -c %s whole.nc)" -lt "$(stat -c %s whole.h5)" ]
}

@test "it has the jobs of --where that are done, and with --all the others" {
    need "h5py, numpy"
    "$RELIN" export partly.h5 --where architecture=b --where training.momentum=0.5 --where training_batch=8 -o some.nc
    $PYTHON "$EXPORTED" netcdf partly.h5 some.nc 30 31 38 39
    "$RELIN" export partly.h5 --where architecture=b --where training.momentum=0.5 --where training_batch=8 --all -o some.nc
    $PYTHON "$EXPORTED" netcdf partly.h5 some.nc 30 31 38 39 46 47
    "$RELIN" export partly.h5 -o done.nc --level 9
    $PYTHON "$EXPORTED" netcdf partly.h5 done.nc $(seq 0 39)
    "$RELIN" export partly.h5 -o done.csv
    [ "$(wc -l < done.csv)" -eq 41 ]
    "$RELIN" export partly.h5 --all -o done.csv
    [ "$(cut -d, -f1 done.csv | tail -n 1)" = 49 ]
    $PYTHON "$EXPORTED" csv jobs partly.h5 done.csv
}

@test "ncdump prints all of it" {
    command -v ncdump >/dev/null || skip "ncdump (netcdf-bin) is missing"
    "$RELIN" export whole.h5 -o dump.nc
    ncdump dump.nc > dump.txt
    grep -q '^	job = 50 ;' dump.txt
    grep -q 'double test_loss(job) ;' dump.txt
    grep -q 'test_loss:units = "1" ;' dump.txt
    grep -q 'test_loss:_FillValue = NaN ;' dump.txt
    grep -q 'float x(probe, channel, height, width) ;' dump.txt
    [ "$(ncdump -v training_batch dump.nc | grep -c '"full"')" -ge 1 ]
}

@test "xarray opens it with either engine, and the result file with h5netcdf" {
    need "xarray, h5netcdf"
    "$RELIN" export whole.h5 --where schedule=constant -o cube.nc
    $PYTHON "$EXPORTED" xarray h5netcdf cube.nc
    $PYTHON "$EXPORTED" xarray h5netcdf whole.h5
    need netCDF4
    $PYTHON "$EXPORTED" xarray netcdf4 cube.nc
}

@test "tables in CSV read back to the bits of the file" {
    need "h5py, numpy"
    for table in jobs curves refreshes snapshots; do
        "$RELIN" export whole.h5 --table $table > $table.csv
        run $PYTHON "$EXPORTED" csv $table whole.h5 $table.csv
        echo "$table: $output"
        [ "$status" -eq 0 ]
    done
    grep -q '"at=2,5"' jobs.csv
    "$RELIN" export whole.h5 --table curves --where seed=1 --where refresh_period=inf --where architecture=b -o some.csv
    $PYTHON "$EXPORTED" csv curves whole.h5 some.csv 41 43 45 47
}

@test "pandas finds the types of a CSV by itself" {
    need pandas
    "$RELIN" export whole.h5 -o typed.csv
    run $PYTHON "$EXPORTED" typed typed.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"50 rows of "* ]]
}

@test "of a file that a run writes the jobs that are done are taken" {
    cp whole.h5 live.h5
    $PYTHON -c 'import h5py; h5py.File("live.h5", "r+")["status"][10:] = 1' 2>/dev/null || skip "h5py is missing"
    "$RELIN" export live.h5 -o live.csv
    [ "$(wc -l < live.csv)" -eq 11 ]
}

@test "no result file is written over, nor a folder" {
    cp whole.h5 other.h5
    before=$(sha256sum whole.h5 other.h5)
    ln -sf whole.h5 link.nc
    for target in whole.h5 ./whole.h5 link.nc other.h5; do
        run "$RELIN" export whole.h5 --format csv -o "$target"
        echo "$output"
        [ "$status" -eq 2 ]
        [[ "$output" == *"is a result file of relin, which an export never writes over"* ]]
        run "$RELIN" export whole.h5 --format netcdf -o "$target"
        [ "$status" -eq 2 ]
    done
    [ "$(sha256sum whole.h5 other.h5)" = "$before" ]
    mkdir -p folder.nc
    run "$RELIN" export whole.h5 -o folder.nc
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected the name of a file, got a folder"* ]]
    # another export is
    echo old > old.csv
    "$RELIN" export whole.h5 -o old.csv
    [ "$(wc -l < old.csv)" -eq 51 ]
    # an export is no result file: nothing goes on in it
    "$RELIN" export whole.h5 -o again.nc
    "$RELIN" export whole.h5 -o again.nc
    run "$RELIN" status again.nc
    [ "$status" -ne 0 ]
    run "$RELIN" export again.nc
    [ "$status" -eq 70 ]
    [[ "$output" == *"expected a result file of relin"* ]]
    [ -z "$(find . -name '*.new')" ]
}

@test "mistakes are told with what was expected" {
    refused() {
        run "$RELIN" export "${@:2}"
        echo "$output"
        [ "$status" -eq 2 ] && [[ "$output" == *"$1"* ]]
    }
    refused "expected a result file: relin export FILE.h5"
    refused "expected one FILE.h5, got also 'b.h5'" a.h5 b.h5
    refused "--format: expected netcdf or csv, got 'hdf'" whole.h5 --format hdf
    refused "-o: expected a name that ends in .nc or .csv, or --format, got 'x.txt'" whole.h5 -o x.txt
    refused "--format netcdf: expected -o OUT.nc" whole.h5 --format netcdf
    refused "--table: expected jobs, curves, refreshes or snapshots, got 'x'" whole.h5 --table x
    refused "--table: expected only with CSV" whole.h5 -o x.nc --table jobs
    refused "--level: expected a whole number from 0 to 9, got '10'" whole.h5 -o x.nc --level 10
    refused "--level: expected only with netCDF" whole.h5 --level 1
    refused "--where: expected an axis" whole.h5 --where colour=red
    refused "expected one of a, b, got 'c'" whole.h5 --where architecture=c
    cp whole.h5 none.h5
    $PYTHON -c 'import h5py; h5py.File("none.h5", "r+")["status"][:] = 0' 2>/dev/null || skip "h5py is missing"
    refused "expected jobs to export, got none: 0 of its 50 are done (--all takes others too)" none.h5
}

@test "what cannot be written is told, and leaves nothing" {
    run "$RELIN" export whole.h5 -o no/such/folder/x.nc
    [ "$status" -eq 70 ]
    [[ "$output" == *"cannot be created"* ]]
    run "$RELIN" export whole.h5 -o no/such/folder/x.csv
    [ "$status" -eq 70 ]
    [[ "$output" == *"cannot be created"* ]]
    run "$RELIN" export missing.h5
    [ "$status" -eq 70 ]
    [ -e /dev/full ] || skip "no /dev/full"
    run bash -c '"$RELIN" export whole.h5 > /dev/full'
    [ "$status" -eq 75 ]
}

@test "a file without kernels has no snapshots, and says so" {
    "$RELIN" run sweep.yaml kernels.snapshots=0 kernels.path_points=0 -o bare.h5 --progress=none
    run "$RELIN" export bare.h5 --table snapshots
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"--table: expected a table that the file has, but its jobs have no snapshots"* ]]
    "$RELIN" export bare.h5 -o bare.nc
    need "h5py, numpy"
    $PYTHON "$EXPORTED" netcdf bare.h5 bare.nc
}
