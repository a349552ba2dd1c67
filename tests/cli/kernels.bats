# Kernels in every mode, as a user finds them in the file.
# RELIN names the program under test, PYTHON the Python that has h5py.

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-/usr/bin/python3}
    export TOOLS=$BATS_TEST_DIRNAME/../python
    . "$BATS_TEST_DIRNAME/../../.ci/mpi.sh"
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > sweep.yaml <<'YAML'
name: kernels
data: {set: teacher, train: 30, test: 20, pool: 60, inputs: 4, outputs: 3}
architectures: {mlp-2x6: {type: mlp, widths: [6, 6], activation: tanh}}
grid: {architecture: [mlp-2x6], refresh_period: [1, 5, inf], kernels.mode: [trace, full, sum_of_logits]}
training: {steps: 20, lr: 0.2, evaluations: 5}
kernels: {probe: 6, snapshots: 4, path_points: 4}
YAML
    "$RELIN" run sweep.yaml -o modes.h5 --progress=none
}

setup() {
    $PYTHON -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    cd "$BATS_FILE_TMPDIR" || exit 1
}

@test "every metric of a snapshot follows from the stored kernel, in every mode" {
    $PYTHON "$TOOLS/kernels.py" modes.h5
    $PYTHON "$TOOLS/format.py" result modes.h5
}

@test "the file has room for the full kernel; others fill its corner and say the same" {
    $PYTHON - <<'PYTHON'
import h5py
import numpy as np
with h5py.File("modes.h5") as file:
    k = file["kernels/kernel"]
    assert k.shape[2:] == (36, 36) and len(file["kernels/eigenvalue"]) == 36, k.shape
    mode = file["kernels_mode"].asstr()[:]
    period = file["refresh_period"][:]
    for p in set(period):
        trace, full, logits = (k[np.flatnonzero((mode == m) & (period == p))[0]].astype(float)
                               for m in ("trace", "full", "sum_of_logits"))
        assert np.isnan(trace[:, 12:]).all() and np.isnan(logits[:, :, 12:]).all()
        pairs = full.reshape(len(full), 12, 3, 12, 3)
        assert np.allclose(np.einsum("sicjc->sij", pairs) / 3, trace[:, :12, :12], rtol=1e-5, atol=1e-5)
        assert np.allclose(pairs.sum((2, 4)) / 3, logits[:, :12, :12], rtol=1e-5, atol=1e-5)
PYTHON
}

@test "kernel regression is given for both models, and follows the ridge" {
    "$RELIN" run sweep.yaml -o ridge.h5 --progress=none kernels.ridge=1e6
    $PYTHON - <<'PYTHON'
import h5py
import numpy as np
with h5py.File("modes.h5") as file, h5py.File("ridge.h5") as ridge:
    for name in ("kernel_regression_loss", "kernel_regression_accuracy"):
        for suffix in ("", "_linearised"):
            assert np.isfinite(file[f"kernels/{name}{suffix}"][:]).all(), name
    assert not (file["kernels/kernel_regression_loss"][:] == ridge["kernels/kernel_regression_loss"][:]).any()
    loss = ridge["kernels/kernel_regression_loss"][:]     # nothing but the mean of the training targets is left
    assert np.allclose(loss, loss[0, 0], rtol=1e-4), loss
PYTHON
}

@test "a mode that is none is refused with those there are" {
    run "$RELIN" plan sweep.yaml 'grid.kernels.mode=[trace, half]'
    [ "$status" -eq 2 ]
    [[ "$output" == *"kernels.mode: expected trace | full | sum_of_logits, got half"* ]]
}
