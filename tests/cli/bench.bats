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
