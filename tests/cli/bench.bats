# relin bench: what it prints, and what it refuses. RELIN names the program under test.
bats_require_minimum_version 1.5.0

setup() { RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin}; }

@test "bench prints the step's share of the product's speed and the tangent step's ratio" {
    run --separate-stderr "$RELIN" bench --rounds 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"2048x2048 product"* ]]
    [[ "$output" == *"% of the product's speed"* ]]
    [[ "$output" == *"standard steps"* ]]
}

@test "bench --json is one JSON object with numbers that fit each other" {
    run --separate-stderr "$RELIN" bench --rounds 1 --json --momentum 0.9
    [ "$status" -eq 0 ]
    echo "$output" | python3 -c '
import json, sys
b = json.load(sys.stdin)
assert b["precision"] == "single" and b["momentum"] == 0.9 and b["threads"] == 1
assert abs(b["standard_flops_per_second"] * b["standard_step_seconds"] / 410779648 - 1) < 1e-4, b
assert abs(b["standard_flops_per_second"] / b["gemm_flops_per_second"] / b["standard_share_of_gemm"] - 1) < 1e-3
assert b["tangent_over_standard"] > 0.5
'
}

@test "bench refuses what it does not understand, with exit code 2" {
    run "$RELIN" bench --rounds 0
    [ "$status" -eq 2 ]
    [[ "$output" == *"--rounds: expected a whole number from 1 to 1000, got '0'"* ]]
    run "$RELIN" bench fast
    [ "$status" -eq 2 ]
}

@test "bench --architecture times each engine, and a kernel in three modes, with numbers that fit each other" {
    run --separate-stderr "$RELIN" bench --architecture mlp,cnn --engine all --ntk --inputs 4 --rows 8 --steps 3 --width 16 --rounds 1 --json
    [ "$status" -eq 0 ]
    echo "$output" | python3 -c '
import json, sys
b = json.load(sys.stdin)
assert b["precision"] == "single" and b["blas_core"] and "pinned" in b and b["bandwidth_bytes_per_second"] >= b["triad_bytes_per_second"] > 0
assert list(b["networks"]) == ["mlp", "cnn"] and b["networks"]["cnn"]["parameters"] == 56970
for name, n in b["networks"].items():
    assert list(n["engines"]) == ["standard", "tangent", "kernel", "filter", "gauss-newton"], n
    assert list(n["ntk"]) == ["inputs", "trace", "full", "sum-of-logits"]
    for told in [*n["engines"].values(), *list(n["ntk"].values())[1:]]:
        assert told["seconds"] > 0 and told["samples"] >= 1 and "diverged" not in told, (name, told)
        assert told["flops_per_second"] > 0 and 0 < told["share_of_gemm"] < 10, (name, told)
    assert n["engines"]["kernel"]["forming_seconds"] > 0
    assert n["engines"]["filter"]["products"] > 0 < n["engines"]["gauss-newton"]["products"]
P1, P2 = 784 * 16, 16 * 16 + 16 * 10
assert b["networks"]["mlp"]["engines"]["standard"]["flops"] == 2 * 128 * (2 * P1 + 3 * P2)
assert b["networks"]["mlp"]["engines"]["tangent"]["flops"] == 2 * 128 * (2 * P1 + 4 * P2)
'
    run --separate-stderr "$RELIN" bench --engine standard --rounds 1 --width 16 --depth 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"mlp: 12730 parameters"* ]]
    [[ "$output" == *"% of SGEMM"* ]]
}

@test "bench --all knows every architecture" {
    run --separate-stderr "$RELIN" bench --all --engine none --inputs 2 --rounds 1
    [ "$status" -eq 0 ]
    for name in mlp cnn lenet myrtle resnet layers; do [[ "$output" == *"$name: "* ]]; done
    run "$RELIN" bench --architecture vgg
    [ "$status" -eq 2 ]
    [[ "$output" == *"--architecture: expected mlp, cnn, lenet, myrtle, resnet, layers, or all, got 'vgg'"* ]]
}

@test "what bench --check says is what PyTorch says" {
    /usr/bin/python3 -c 'import functorch' 2>/dev/null || skip "PyTorch is not installed"
    "$RELIN" bench --architecture mlp,cnn --engine none --check --rounds 1 --json > "$BATS_TEST_TMPDIR/ours.json"
    OPENBLAS_NUM_THREADS=1 /usr/bin/python3 - "$BATS_TEST_DIRNAME/../bench" "$BATS_TEST_TMPDIR/ours.json" <<'END'
import json, sys
sys.path.insert(0, sys.argv[1])
import torch_bench
ours = json.load(open(sys.argv[2]))["networks"]
for name, theirs in (("mlp", "dense"), ("cnn", "cnn")):
    told, own = torch_bench.check(theirs, every_way=False), ours[name]["check"]
    assert told["parameters"] == ours[name]["parameters"] and torch_bench.same_check(told, own), (told, own)
END
}
