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

# Kernels that every processor with AVX2 has.
pin() { env OPENBLAS_CORETYPE="$1" "${@:2}"; }
need_avx2() { grep -qw avx2 /proc/cpuinfo || skip "this processor has no AVX2: there are not two kinds of kernels to choose from"; }

@test "kernels of BLAS that the environment pins are respected, recorded, and told where they are lesser" {
    need_avx2
    pin Haswell "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5 2> log
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert set(f["blas_core"][:]) == {b"Haswell"}, f["blas_core"][:]
assert f["provenance"].attrs["blas_core"] in (b"Haswell", "Haswell")'
    if grep -qw avx512f /proc/cpuinfo; then
        [ "$(grep -c "OPENBLAS_CORETYPE=Haswell pins Haswell kernels, but this processor has AVX-512" log)" -eq 1 ]
    fi
    run env -u OPENBLAS_CORETYPE "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o g.h5
    [[ "$output" != *OPENBLAS_CORETYPE* ]]
}

@test "a sweep that goes on with other kernels of BLAS says so, once" {
    need_avx2
    pin Haswell "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    run pin Nehalem "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..1 -o f.h5
    [ "$status" -eq 0 ]
    [ "$(grep -c "f.h5: jobs ran on Haswell kernels of BLAS, here they are Nehalem: results agree to rounding" <<< "$output")" -eq 1 ]
    [[ "$output" != *" others on "* ]]
    run pin Haswell "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..2 -o f.h5
    [[ "$output" == *"f.h5: jobs ran on Haswell kernels of BLAS and on Nehalem: results agree"* ]]
    run pin Nehalem "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..2 -o f.h5   # nothing to do
    [[ "$output" != *"kernels of BLAS"* ]]
}

@test "ranks with different kernels of BLAS are told of once" {
    need_avx2
    run mpi 1 env OPENBLAS_CORETYPE=Haswell "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5 : \
        -n 1 env OPENBLAS_CORETYPE=Nehalem "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5
    [ "$status" -eq 0 ]
    [ "$(grep -c "ran on .* kernels of BLAS (.*), others on .*: results agree to rounding" <<< "$output")" -eq 1 ]
}
