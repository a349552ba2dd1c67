# Other people's tools read what relin writes: the examples under analysis/examples, as they stand. What a tool
# prints is compared with numbers computed from the file by h5py. `make check-tools` installs R first.

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-/usr/bin/python3}
    ROOT=$(realpath "$BATS_TEST_DIRNAME/../..") && export ROOT
    export EXAMPLES=$ROOT/analysis/examples
    . "$ROOT/.ci/mpi.sh"
    cd "$BATS_FILE_TMPDIR" || exit 1
    "$RELIN" run "$ROOT/tests/sweeps/summary.yaml" -o sweep.h5 --progress=none
    $PYTHON "$ROOT/tests/python/set_scores.py" sweep.h5 || true   # known accuracies
    "$RELIN" export sweep.h5 -o sweep.nc
    "$RELIN" export sweep.h5 -o jobs.csv
}

setup() { cd "$BATS_FILE_TMPDIR" || exit 1; }
need() { $PYTHON -c "import $1" 2>/dev/null || skip "$PYTHON lacks one of $1"; }

@test "every example is named in their README, and runs in a test" {
    for example in "$EXAMPLES"/*; do
        name=$(basename "$example")
        [ "$name" = README.md ] && continue
        grep -q "($name)" "$EXAMPLES/README.md" || { echo "$name is not in the README"; false; }
        grep -rqF "$name" "$ROOT"/tests/cli/*.bats || { echo "$name is run by no test"; false; }
    done
}

@test "Python: the file becomes a cube of its axes, paired with K = 1" {
    need "xarray, h5netcdf, pandas"
    run $PYTHON "$EXAMPLES/read_result.py" sweep.h5
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"architecture 2 x refresh_period 3 x seed 4"* ]]
    [[ "$output" == *"wide          1.0               0.0"* ]]
}

@test "R: netCDF and CSV have the numbers, types and infinities of the file" {
    command -v Rscript >/dev/null || skip "R (r-base-core) is missing: make check-tools installs it"
    Rscript -e 'library(ncdf4)' >/dev/null 2>&1 || skip "R's ncdf4 (r-cran-ncdf4) is missing: make check-tools installs it"
    run Rscript "$EXAMPLES/read_export.R" sweep.nc jobs.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"cube: architecture 2 x K 3 x seed 4"* ]]
    need "h5py, numpy"
    # every number that R reads, of both files, as its bits
    cat > bits.R <<'R'
library(ncdf4)
file <- nc_open("sweep.nc")
jobs <- read.csv("jobs.csv", colClasses = c(job_id = "character"))
stopifnot(is.integer(jobs$seed), is.numeric(jobs$refresh_period), is.character(jobs$status),
          identical(jobs$job_id, as.vector(ncvar_get(file, "job_id"))))
for (name in c("refresh_period", "test_accuracy", "test_loss", "learning_rate", "flops", "start_time")) {
  stopifnot(identical(as.numeric(jobs[[name]]), as.numeric(ncvar_get(file, name))))
  cat(name, sprintf("%a", jobs[[name]]), "\n")
}
cat("eigenvalues", sprintf("%a", ncvar_get(file, "kernels/eigenvalues")[1:4, 1, 1]), "\n")
R
    Rscript bits.R > bits.txt
    $PYTHON - <<'PY'
import h5py, numpy as np
file = h5py.File("sweep.h5")
number = lambda text: float(text) if "nf" in text else float.fromhex(text)
for line in open("bits.txt"):
    name, *texts = line.split()
    expected = file["kernels/eigenvalues"][0, 0, :4] if name == "eigenvalues" else file[name][:]
    found = np.array([number(text) for text in texts])
    assert found.tobytes() == expected.tobytes(), name
PY
}

@test "DuckDB: the table of jobs has the right types" {
    sql=$EXAMPLES/read_export.sql
    if command -v duckdb >/dev/null; then
        duckdb -csv < "$sql" > duck.csv
    else
        $PYTHON -c 'import duckdb' 2>/dev/null || skip "DuckDB is missing, and Debian 12 has no package of it"
        $PYTHON - "$sql" > duck.csv <<'PY'
import sys, duckdb
for statement in open(sys.argv[1]).read().split(";"):
    answer = duckdb.sql(statement) if statement.strip() else answer
print(answer.df().to_csv(index=False), end="")
PY
    fi
    cat duck.csv
    [ "$(wc -l < duck.csv)" -eq 7 ]
    grep -q '^wide,inf,4,0.75,' duck.csv
}

@test "pandas reads what relin summary prints: --csv and --json" {
    need pandas
    "$RELIN" summary sweep.h5 --csv > cells.csv
    "$RELIN" summary sweep.h5 --json > cells.json
    run $PYTHON - <<'PY'
import json, numpy as np, pandas as pd
cells = pd.read_csv("cells.csv")
assert cells.refresh_period.dtype == np.float64 and np.isinf(cells.refresh_period).sum() == 2, cells.refresh_period
assert cells["n"].dtype.kind == "i" and cells["mean"].dtype.kind == "f", cells.dtypes
assert cells.architecture.dtype == object
answer = json.load(open("cells.json"))
assert len(cells) == 6, len(cells)
print("read", len(cells), "cells")
PY
    echo "$output"
    [ "$status" -eq 0 ]
}
