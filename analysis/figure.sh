#!/bin/bash
# The picture of a sweep: test accuracy and kernel path length against the refresh period K.
#
#   analysis/figure.sh FILE.h5 OUT.svg|OUT.png [options of `relin summary`, such as --where]
#
# One column of panels an architecture (up to three; --where chooses). The numbers are those of
# `relin summary --csv`; figure.gp draws them. Needs gnuplot; `relin` from PATH, or RELIN=.../relin.
set -eu
[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
file=$1 out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
relin=${RELIN:-}
for candidate in "$here/../build/release/relin" "$(command -v relin || true)"; do
	[ -n "$relin" ] || [ ! -x "$candidate" ] || relin=$candidate
done
[ -n "$relin" ] || { echo "figure.sh: relin was not found: build it (make all) or set RELIN=.../relin" >&2; exit 2; }
command -v gnuplot >/dev/null || { echo "figure.sh: the picture needs gnuplot (Debian: gnuplot-nox)" >&2; exit 2; }
case $out in
*.svg) terminal=svg ;;
*.png) terminal=png ;;
*) echo "figure.sh: expected OUT to end in .svg or .png, got '$out'" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$relin" summary "$file" --csv "$@" >"$work/cells.csv"
"$relin" summary "$file" --sentence "$@" >"$work/sentences"
awk -v work="$work" -f "$here/figure.awk" "$work/sentences" "$work/cells.csv" >"$work/settings.gp"
gnuplot -e "terminal='$terminal'; work='$work'; out='$work/picture'" "$here/figure.gp"
mv "$work/picture" "$out"
