#!/bin/bash
# The rules of CONTRIBUTING.md that a machine can check (make lint). Says every breach, then
# fails if there was one.
set -u
cd "$(dirname "$0")/.." || exit 1

breaches=0
# breach TEXT: says each line of TEXT, if any, under the rule's name.
breach() {
    [ -n "$2" ] || return
    printf '%s:\n  %s\n' "$1" "${2//$'\n'/$'\n'  }"
    breaches=$((breaches + 1))
}
without() { echo "without $1: not installed (make deps)"; }

mapfile -t code < <(git ls-files 'src/*.c' 'src/*.h' 'include/*.h' 'analysis/*.c' 'analysis/*.h')
mapfile -t c_files < <(git ls-files 'src/*.c' 'analysis/*.c' 'tests/*.c')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' '*.sbatch' .ci/run)

# Each layer includes only what is to its left; the analysis reads files and names, no more.
layers='base math data nn train ntk sweep store plan farm cli'
breach "include against the order of layers ($layers)" "$(awk -v layers="$layers" '
    BEGIN { n = split(layers, l, " "); for (i = 1; i <= n; i++) rank[l[i]] = i
            rank["spawner"] = rank["farm"] }   # its main only
    /^#include "[a-z]+\// {
        split(FILENAME, path, "/"); split($2, to, /["\/]/); t = to[2]
        if (path[1] == "analysis") bad = t !~ /^(base|sweep|store|plan)$/
        else bad = !(t in rank) || rank[t] > rank[path[2]]
        if (bad) print FILENAME ":" FNR ": " $0
    }' "${code[@]}")"

# only WHERE HEADER REGEX: nothing else includes HEADER.
only() { breach "only $1 includes $2" "$(grep -nE "^#include <$2>" "${code[@]}" | grep -vE "^$3")"; }
only src/math cblas.h 'src/math/'
only src/math lapacke.h 'src/math/'
only 'the store' hdf5.h '(src|include)/store/'
only 'the farm and the store' mpi.h '(src|include)/(store|farm)/'
only analysis 'gsl/.*' 'analysis/'
breach 'exit() outside main' "$(grep -nE '(^|[^_a-zA-Z.])exit\(' "${code[@]}" | grep -vE '^(src/cli/main|analysis/summary)\.c:')"
breach 'unfinished' "$(git grep -nIE '\b(TODO|FIXME|XXX)\b' -- src include tests analysis slurm Makefile .ci | grep -v '^\.ci/lint\.sh')"
breach 'file over 400 lines' "$(git ls-files '*.[ch]' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 400 { print $2 ": " $1 }')"
breach 'function over 60 lines (up to 100 where a comment before it says "long: why")' "$(awk '
    FNR == 1 { start = 0; limit = 60 }
    /long: / && !start { limit = 100 }
    /^[a-zA-Z_].*\)$|^[a-zA-Z_].*\) *\{$|^ +.*\)$/ && !start { head = $0; line = FNR }
    /^\{|^[a-zA-Z_].*\) *\{$/ && !start { start = FNR }
    /^\}/ { if (start && FNR - start > limit) print FILENAME ":" line ": " FNR - start " lines: " head
            start = 0; limit = 60 }' "${c_files[@]}")"

# cppcheck's preprocessor stumbles over an empty macro argument in variables.h, which gcc does not.
if command -v cppcheck >/dev/null; then
    breach cppcheck "$(cppcheck --quiet --inline-suppr --enable=warning,performance,portability --std=c11 \
        --suppress=missingIncludeSystem -j "$(nproc)" \
        --suppress=preprocessorErrorDirective:include/sweep/variables.h \
        --template='{file}:{line}: {message} ({id})' -Iinclude -Isrc -DRELIN_DOUBLE=1 -DHAVE_GSL=1 \
        -DRELIN_VERSION='""' -DRELIN_GIT='""' -DRELIN_CFLAGS='""' -DRELIN_COMPILER='""' src analysis 2>&1)"
else without cppcheck; fi

if command -v shellcheck >/dev/null; then
    breach shellcheck "$(shellcheck -x -f gcc "${scripts[@]}")"
else without shellcheck; fi

# A remark, not a breach: headers and tables are laid out by hand, and clang-format's version matters.
if command -v clang-format >/dev/null; then
    loose=$(clang-format --dry-run "${c_files[@]}" 2>&1 | sed -n 's/: warning: code should be clang-formatted.*//p' |
        cut -d: -f1 | sort -u | wc -l)
    [ "$loose" -eq 0 ] || echo "layout: make format would change $loose files"
else without clang-format; fi

if command -v mandoc >/dev/null; then
    breach 'man pages' "$(sed 's/@DATE@/2000-01-01/' src/man/relin.1 | mandoc -T lint -W warning 2>&1)"
else without mandoc; fi

if [ $breaches -gt 0 ]; then
    echo "lint: $breaches rules broken"
    exit 1
fi
echo "lint: nothing to say about ${#code[@]} files of code and ${#scripts[@]} scripts"
