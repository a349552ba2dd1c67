# Results do not depend on the number of ranks or the order of jobs: bit for bit.

load farm

@test "two, three and four ranks give the bits of one, in any order" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o one.h5
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" -o two.h5 --order=file
    mpi 3 "$RELIN" run "$SWEEPS/farm.yaml" -o three.h5 --order=random
    mpi 4 "$RELIN" run "$SWEEPS/farm.yaml" -o four.h5
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" -o apart.h5 --no-train-on-master
    for file in two three four apart; do same one.h5 $file.h5; done
    no_names_left
}

@test "the comparison itself sees a changed number" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o a.h5
    cp a.h5 b.h5
    "$PYTHON" - <<'PYTHON'
import h5py, numpy as np
with h5py.File("b.h5", "r+") as f:
    f["curve_test_loss"][1, 2] = np.nextafter(f["curve_test_loss"][1, 2], 1)
PYTHON
    run same a.h5 b.h5
    [ "$status" -eq 1 ]
    [[ "$output" == *"curve_test_loss: differs"* ]]
}

@test "every rank trains where there is work for all" {
    mpi 3 "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" training.steps=20000 -o f.h5
    "$PYTHON" -c 'import h5py; w = set(h5py.File("f.h5")["worker"][:]); assert w == {0, 1, 2}, w'
}
