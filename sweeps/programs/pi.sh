#!/bin/sh
# A shell script as a job of relin: pi by throwing points at a square. The job's parameters stand in the environment, its
# results go to standard output as lines of JSON, all else to standard error.
set -eu
: "${RELIN_PARAMETER_points:=1000}" "${RELIN_SEED:=0}"
echo "throwing $RELIN_PARAMETER_points points with seed $RELIN_SEED" >&2
exec awk -v points="$RELIN_PARAMETER_points" -v seed="$RELIN_SEED" 'BEGIN {
    srand(seed + 1)
    for (i = 1; i <= points; i++) {
        inside += rand() ^ 2 + rand() ^ 2 < 1
        if (i == points || i % 250 == 0)
            printf "{\"step\": %d, \"pi\": %.6f}\n", i, 4 * inside / i
    }
}'
