# relin report, looked at in a real browser. The pictures for people are kept in build/report (light, dark, print, grey).

setup_file() {
    export FILE="$BATS_FILE_TMPDIR/report.h5" PAGE="$BATS_FILE_TMPDIR/page.html" LC_ALL=C.UTF-8
    export SHOTS="$BATS_TEST_DIRNAME/../../build/report"
    "$PYTHON" -c 'import h5py' 2>/dev/null || return 0
    relin run tests/sweeps/report.yaml -o "$FILE"
    "$PYTHON" tests/python/set_scores.py "$FILE" holes
    relin report "$FILE" -o "$PAGE"
    rm -rf "$SHOTS"
    ! command -v chromium chromedriver || ! "$PYTHON" -c 'import selenium' || "$PYTHON" tests/python/browse.py "$PAGE" "$SHOTS"
}

setup() {
    [ -f "$PAGE" ] || skip "python3 has no h5py"
}

needs_browser() {
    command -v chromium && command -v chromedriver || skip "chromium or chromedriver is missing"
    "$PYTHON" -c 'import selenium' || skip "python3 has no selenium"
    [ -s "$SHOTS/facts.json" ]
}

needs_gnuplot() {
    command -v gnuplot || skip "gnuplot is missing"
}

# look: a Python program with f, the facts of the browser, and csv(name), the rows of a download
look() {
    "$PYTHON" - "$SHOTS/facts.json" "$@" <<PYTHON
import base64, csv as csv_module, io, json, math, sys
f = json.load(open(sys.argv[1]))
def csv(name):
    href = [d["href"] for d in f["downloads"] if d["name"] == name + ".csv"]
    assert len(href) == 1 and href[0].startswith("data:text/csv;charset=utf-8;base64,"), (name, href)
    return list(csv_module.DictReader(io.StringIO(base64.b64decode(href[0].split(",")[1]).decode(), newline="")))
$(cat /dev/fd/3)
PYTHON
}

@test "the browser fetches nothing but the page, and has nothing to complain about" {
    needs_browser
    look 3<<'LOOK'
assert len(f["requests"]) == 1 and f["requests"][0].startswith("file://"), f["requests"]
assert f["fetched"] == [] and f["console"] == [], (f["fetched"], f["console"])
LOOK
    grep -q "default-src 'none'" "$PAGE"
}

@test "every picture is drawn, with a caption and a text in its place, and every table is there with its CSV" {
    needs_browser
    needs_gnuplot
    look 3<<'LOOK'
expected = set("""performance-period performance-difference performance-updates performance-eta-period performance-path phase curves-accuracy
    curves-test-loss curves-train-loss kernel-distance kernel-alignment kernel-rank kernel-lambda kernel-spectrum
    refresh-jump refresh-gap refresh-convergence uses utilisation timeline cost""".split())
assert expected == {g["id"].removeprefix("figure-") for g in f["figures"]}
for g in f["figures"]:
    assert g["drawn"] and g["width"] > 300 and g["height"] > 100, g["id"]
    assert len(g["texts"]) > 5 and g["caption"] and g["label"] == g["title"] and g["role"] == "img", g["id"]
assert {t["id"].removeprefix("table-") + ".csv" for t in f["tables"]} == {d["name"] for d in f["downloads"]}
assert f["dangling"] == [] and f["repeated"] == [], (f["dangling"], f["repeated"])
LOOK
}

@test "the numbers are those of relin summary --json, in the table and in the CSV" {
    needs_browser
    relin summary "$FILE" --json >"$BATS_TEST_TMPDIR/summary.json"
    look "$BATS_TEST_TMPDIR/summary.json" 3<<'LOOK'
d = json.load(open(sys.argv[2]))
rows = {(r["group"], r["refresh_period"], r["curve"].startswith("f_lin")): r for r in csv("performance")}
assert len(rows) == 2 * len(d["cells"]) == 12
def same(row, name, cell, key):
    assert (row[name] == "") if cell[key] is None else (float(row[name]) == float(cell[key])), (name, row, cell)
for cell in d["cells"]:
    k = str(cell["refresh_period"])
    linear, network = (rows[cell["architecture"], k, which] for which in (True, False))
    for name, key in (dict(n="n", planned="planned", failed="failed", diverged="diverged", feature_updates="feature_updates",
                           eta_K="eta_K", damping="damping", mean="mean", mean_low="low", mean_high="high", sd="sd", path_length="path_length_mean",
                           path_length_low="path_length_low", path_length_high="path_length_high", difference="difference_mean",
                           difference_low="difference_low", difference_high="difference_high", p_holm="p_holm")).items():
        same(linear, name, cell, key)
    for name, key in dict(mean="network_mean", mean_low="network_low", mean_high="network_high").items():
        same(network, name, cell, key)
    assert linear["suffices"] == cell["suffices"]
    eta = [r for r in csv("eta") if (r["group"], r["refresh_period"], r["curve"][:5]) == (cell["architecture"], k, "f_lin")]
    assert len(eta) == 1
    for name, key in dict(eta_K="eta_K", damping="damping", mean="mean", mean_low="low", mean_high="high", difference="difference_mean",
                          difference_low="difference_low", difference_high="difference_high", n="n", diverged="diverged").items():
        same(eta[0], name, cell, key)
assert f["answers"] == [a["sentence"] for a in d["answers"]] and f["notes"] == [n["text"] for n in d["notes"]]
for answer, row in zip(d["answers"], csv("answers")):
    assert row["group"] == answer["architecture"]
    for which in ("shown", "estimate", "possible"):
        for key in ("refresh_period", "feature_updates"):
            same(row, f"{key}_{which}", answer[which], key)
    assert float(row["feature_updates_low"]) == answer["feature_updates_interval"][0]
# what people see is the CSV, to six digits
for t in f["tables"]:
    for shown, exact in zip(t["rows"], csv(t["id"].removeprefix("table-")), strict=True):
        for text, value in zip(shown, exact.values(), strict=True):
            text = text.strip()
            assert text == value.strip() or float(text) == float("%.6g" % float(value)), (t["id"], text, value)
LOOK
}

@test "the phase diagram has what relin summary --at step=T says, at each T" {
    needs_browser
    look "$RELIN" "$FILE" 3<<'LOOK'
import subprocess
rows, times, looked = csv("phase"), set(), 0
times = sorted({r["step"] for r in rows}, key=float)
assert len(times) > 2
for t in times:
    d = json.loads(subprocess.run([sys.argv[2], "summary", sys.argv[3], "--at", "step=" + t, "--json"], capture_output=True, check=True).stdout)
    cells = {(c["architecture"], str(c["refresh_period"])): c for c in d["cells"]}
    for r in rows:
        if r["step"] != t:
            continue
        c, looked = cells[r["group"], r["refresh_period"]], looked + 1
        for name, key in dict(n="n", mean="mean", mean_low="low", mean_high="high", difference="difference_mean", feature_updates="feature_updates",
                              difference_low="difference_low", difference_high="difference_high").items():
            assert (r[name] == "") if c[key] is None else float(r[name]) == float(c[key]), (t, name, r, c)
        assert r["suffices"] == c["suffices"]
assert looked == len(rows) > 12
LOOK
}

@test "names with < & quotes and letters beyond ASCII are text, in tables and in pictures" {
    needs_browser
    needs_gnuplot
    look 3<<'LOOK'
name = "<b>bold, \"q\" & 'é'"
assert f["markup"] == 0 and f["h1"] == 'report <test> & "quotes"' and f["title"].endswith(f["h1"])
assert any(name in row for t in f["tables"] for row in t["rows"])
assert [r["group"] for r in csv("answers")][1] == name
shown = [g for g in f["figures"] if any(text.startswith("<b>bold, 'q' & 'é'") for text in g["texts"])]
assert len(shown) >= 4
LOOK
}

@test "light, dark and print have their colours, and curves differ in dash and mark as well" {
    needs_browser
    needs_gnuplot
    look 3<<'LOOK'
def luminance(colour):
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (int(x) / 255 for x in colour[4:-1].split(","))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)
light, dark, paper = (f["colours"][k] for k in ("light", "dark", "print"))
assert luminance(light["page"]) > 0.9 and luminance(dark["page"]) < 0.1 and luminance(paper["page"]) > 0.9
for c in (light, dark, paper):
    assert contrast(c["ink"], c["page"]) > 7 and contrast(c["picture_text"], c["page"]) > 4.3, c
assert set(light["lines"]) != set(dark["lines"]) and set(light["lines"]) == set(paper["lines"])
assert paper["navigation"] == "none"
for g in f["figures"]:
    assert g["fixed"] == [] or g["id"] == "figure-phase", (g["id"], g["fixed"][:3])
period = [g for g in f["figures"] if g["id"] == "figure-performance-period"][0]
assert period["dashes"] and len(period["marks"]) >= 2 and "∞" in period["texts"]
LOOK
}

@test "the keyboard reaches what there is to open, to scroll and to download" {
    needs_browser
    look 3<<'LOOK'
assert f["reached"][0] == "a.skip" and f["opened"] and not f["wide"]
assert f["reached"].count("a.csv") >= 1 and f["reached"].count("summary") >= 1
assert f["language"] == "en"
LOOK
}

@test "failures are listed with their reason, and provenance says what made the file" {
    needs_browser
    look 3<<'LOOK'
lost = {(r["architecture"], r["refresh_period"], r["seed"]): r["fate"] for r in csv("failures")}
assert lost == {("wide", "5", "0"): "failed", ("wide", "5", "1"): "diverged"}, lost
told = {r["name"]: r["value"] for r in csv("provenance")}
assert "relin run tests/sweeps/report.yaml" in told["command_line"] and told["relin_version"] and told["ranks"] == "1"
LOOK
}

@test "without gnuplot the report holds tables only, and says so" {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    run env PATH="$BATS_TEST_TMPDIR/bin" "$RELIN" report "$FILE" -o "$BATS_TEST_TMPDIR/bare.html"
    [ "$status" -eq 0 ]
    [[ "$output" = *"gnuplot was not found"* ]]
    grep -q "holds tables only" "$BATS_TEST_TMPDIR/bare.html"
    grep -q 'id="table-performance"' "$BATS_TEST_TMPDIR/bare.html"
    ! grep -q "<svg" "$BATS_TEST_TMPDIR/bare.html"
}

@test "make -C analysis figures draws by hand, as PDF and PNG, and says what there is nothing of" {
    needs_gnuplot
    cd "$BATS_TEST_TMPDIR"
    cp "$FILE" some.h5
    run make -s -C "$BATS_TEST_DIRNAME/../../analysis" figures FILE=some.h5 FIGURES='performance-period phase gauss-newton' RELIN="$RELIN"
    [ "$status" -eq 0 ]
    [[ "$output" = *"gauss-newton: nothing to draw"* ]]
    for figure in performance-period phase; do
        [ "$(head -c 4 some-figures/$figure.pdf)" = %PDF ]
        [ "$(head -c 4 some-figures/$figure.png | tail -c 3)" = PNG ]
    done
    run env -u FILE make -s -C "$BATS_TEST_DIRNAME/../../analysis" figures
    [[ "$status" -ne 0 && "$output" = *"expected FILE"* ]]
}

# page FILE.html: its facts, for look
page() {
    "$PYTHON" tests/python/browse.py "$1" "$BATS_TEST_TMPDIR/shots"
    SHOTS="$BATS_TEST_TMPDIR/shots"
}

@test "seeds that were added by a rule: intervals, no p-values, and what was skipped is told" {
    needs_browser
    needs_gnuplot
    local f="$BATS_TEST_TMPDIR/until.h5" asked=(--metric test_loss --margin 0.02)
    relin run --until halfwidth=0.0125,max_seeds=30,metric=test_loss tests/sweeps/farm.yaml -o "$f"
    relin report "$f" "${asked[@]}" -o "$BATS_TEST_TMPDIR/until.html"
    relin summary "$f" "${asked[@]}" --json >"$BATS_TEST_TMPDIR/until.json"
    page "$BATS_TEST_TMPDIR/until.html"
    look "$BATS_TEST_TMPDIR/until.json" "$f" 3<<'LOOK'
import h5py
d, status = json.load(open(sys.argv[2])), h5py.File(sys.argv[3])["status"][:]
skipped = int((status == 4).sum())
assert skipped > 0 and f["notes"] == [n["text"] for n in d["notes"]] and f["answers"] == [a["sentence"] for a in d["answers"]]
notes = " ".join(f["notes"])
for words in ("intervals only, no p-values", "halfwidth=0.0125,max_seeds=30", f"{skipped} more were skipped", "compare a cell with the baseline by its difference"):
    assert words in notes, (words, notes)
rows = csv("performance")
assert all(r["p_holm"] == "" for r in rows) and sum(int(r["n"]) for r in rows if r["curve"].startswith("f_lin")) == (status == 2).sum()
for r in rows:
    if r["curve"].startswith("f_lin") and r["refresh_period"] != "1":
        assert float(r["difference_low"]) < float(r["difference_high"])
drawn = {g["id"] for g in f["figures"] if g["drawn"]}
assert {"figure-performance-difference", "figure-performance-eta-period", "figure-phase"} <= drawn and f["console"] == []
LOOK
}

@test "--tune and --across: what was chosen, each rate's curve on one axis, and the tasks together" {
    needs_browser
    needs_gnuplot
    local f="$BATS_TEST_TMPDIR/rates.h5"
    relin run tests/sweeps/statistics.yaml 'grid.refresh_period=[1, 5, inf]' grid.seed=0..7 'grid.training.lr=[0.001, 0.004, 0.02]' -o "$f"
    relin report "$f" --tune training.lr --across architecture -o "$BATS_TEST_TMPDIR/tuned.html"
    relin summary "$f" --tune training.lr --across architecture --json >"$BATS_TEST_TMPDIR/tuned.json"
    page "$BATS_TEST_TMPDIR/tuned.html"
    look "$BATS_TEST_TMPDIR/tuned.json" 3<<'LOOK'
d = json.load(open(sys.argv[2]))
assert f["notes"] == [n["text"] for n in d["notes"]] and any("tuned: each cell has" in n for n in f["notes"])
rows = {(r["group"], r["refresh_period"]): r for r in csv("performance") if r["curve"].startswith("f_lin")}
for c in d["cells"]:
    r = rows[c["architecture"], str(c["refresh_period"])]
    assert float(r["training_lr"]) == c["training_lr"] and float(r["mean"]) == c["mean"] and float(r["n"]) == c["n"] == 4
rows = csv("across")
assert len(rows) == len(d["across"]["rows"]) == 2 and "Across architecture" in f["headings"]
for r, c in zip(rows, d["across"]["rows"]):
    for name in "refresh_period tasks runs baseline_runs".split() + [n + e for n in ("improvement", "iqm", "iqm_baseline", "difference") for e in ("", "_low", "_high")]:
        assert float(r[name]) == float(c[name]), (name, r, c)
drawn = {g["id"] for g in f["figures"] if g["drawn"]}
assert {"figure-across-improvement", "figure-across-difference"} <= drawn, drawn
LOOK
    relin report "$f" -o "$BATS_TEST_TMPDIR/rates.html"
    page "$BATS_TEST_TMPDIR/rates.html"
    look 3<<'LOOK'
rows = csv("eta")
assert {r["group"] for r in rows} == {"wide", "deep"} and {r["curve"] for r in rows} == {"η = 0.001", "η = 0.004", "η = 0.02"}
for r in rows:
    k, eta = float(r["refresh_period"]), float(r["curve"][4:])
    assert math.isclose(float(r["eta_K"]), eta * k, rel_tol=1e-12) and math.isclose(float(r["damping"]), 24 * 0.5 / (eta * k), rel_tol=1e-12)
eta = [g for g in f["figures"] if g["id"] == "figure-performance-eta-period"][0]
assert eta["drawn"] and "damping N(1 − μ)/(ηK)" in eta["texts"] and "η = 0.02" in eta["texts"] and len(eta["marks"]) >= 3
assert "across" not in {t["id"].removeprefix("table-") for t in f["tables"]}
LOOK
}

@test "Gauss-Newton runs stand beside the linearised runs of their K" {
    needs_gnuplot
    relin run tests/sweeps/trainers.yaml -o "$BATS_TEST_TMPDIR/solvers.h5"
    relin report "$BATS_TEST_TMPDIR/solvers.h5" -o "$BATS_TEST_TMPDIR/solvers.html"
    grep -q 'id="picture-gauss-newton"' "$BATS_TEST_TMPDIR/solvers.html"
    ! grep -q 'figure-performance-difference' "$BATS_TEST_TMPDIR/solvers.html"   # there is no baseline
    [ "$(sed -n '/id="table-gauss-newton"/,/<\/table>/p' "$BATS_TEST_TMPDIR/solvers.html" | grep -c '^<tr><td>wide')" -eq 4 ]
}

@test "a file whose sweep has not begun is reported: what is missing is said" {
    "$PYTHON" - "$FILE" "$BATS_TEST_TMPDIR/none.h5" <<'PYTHON'
import shutil, sys
import h5py
import numpy as np
shutil.copy(sys.argv[1], sys.argv[2])
with h5py.File(sys.argv[2], "r+") as f:
    f["status"][:] = 0
    f["start_time"][:] = np.nan
    f["timeline/job"][:] = -1
PYTHON
    run relin report "$BATS_TEST_TMPDIR/none.h5" -o "$BATS_TEST_TMPDIR/none.html"
    [ "$status" -eq 0 ]
    [[ "$output" != *"could not"* && "$output" != *gnuplot* ]]
    grep -q "No job has started yet" "$BATS_TEST_TMPDIR/none.html"
    grep -q "24 pending or running" "$BATS_TEST_TMPDIR/none.html"
    ! grep -q "class=warning>The picture" "$BATS_TEST_TMPDIR/none.html"
}

@test "mistakes are told: a folder that is none, a page that cannot be written, no file" {
    run relin report "$FILE" --tables "$FILE"
    [ "$status" -eq 70 ]
    [[ "$output" = *"--tables"*"expected a folder"* ]]
    run relin report "$FILE" -o "$BATS_TEST_TMPDIR/none/page.html"
    [ "$status" -eq 70 ]
    [[ "$output" = *"none/page.html"*"cannot be written"* ]]
    run relin report
    [ "$status" -eq 2 ]
    run relin report "$BATS_TEST_TMPDIR/none.h5"
    [ "$status" -eq 70 ]
}
