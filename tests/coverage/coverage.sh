#!/bin/bash
# Runs the tests of a build of MODE=coverage and says what of the code they ran.
#
#   tests/coverage/coverage.sh build/coverage [unit|cli]      make coverage
#
# A summary by folder, the files that are run least, and BUILD/html. What a process had run
# that was killed by KILL is not counted.
set -u
build=$(realpath "${1:?usage: coverage.sh build/coverage [unit|cli]}")
cd "$(dirname "$0")/../.." || exit 1
command -v gcovr >/dev/null || { echo "gcovr is missing: make deps"; exit 1; }

find "$build" -name '*.gcda' -delete
tests/check.sh "$build" ${2:+"$2"} >"$build/tests.log" 2>&1
code=$?
tail -n 1 "$build/tests.log"
[ $code -eq 0 ] || echo "some tests failed, see $build/tests.log"

mkdir -p "$build/html"
gcovr --root . --object-directory "$build/obj" --filter src/ --filter analysis/ --csv "$build/coverage.csv" \
    --html-details "$build/html/index.html" "$build" 2>"$build/gcovr.log" || { cat "$build/gcovr.log"; exit 1; }
awk -F, 'NR > 1 { n = split($1, part, "/"); folder = part[1] (n > 2 ? "/" part[2] : "")
                  lines[folder] += $2; run[folder] += $3; branches[folder] += $5; taken[folder] += $6 }
         END { for (f in lines) printf "%-16s %6d lines %5.1f %%  %6d branches %5.1f %%\n", f, lines[f], 100 * run[f] / lines[f],
                   branches[f], branches[f] ? 100 * taken[f] / branches[f] : 100 }' "$build/coverage.csv" | sort
awk -F, 'NR > 1 { l += $2; r += $3 } END { printf "%-16s %6d lines %5.1f %%\n", "all", l, 100 * r / l }' "$build/coverage.csv"
echo "run least:"
awk -F, 'NR > 1 && $2 > $3 { printf "%4d of %4d lines not run  %s\n", $2 - $3, $2, $1 }' "$build/coverage.csv" | sort -rn | head -n 12
echo "line by line: ${build#"$PWD"/}/html/index.html"
exit $code
