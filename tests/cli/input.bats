# Bad input and odd names: files that cannot be trusted, sizes that cannot be, paths with spaces and letters.

load farm

# A set of one's own in HDF5.
own_set() {
    "$PYTHON" -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    "$PYTHON" - "$1" <<'PYTHON'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "w") as f:
    for pool, n in (("train", 60), ("test", 30)):
        f.create_dataset(pool + "/x", data=np.arange(n * 4, dtype="f4").reshape(n, 4) % 7, chunks=(16, 4), compression="gzip")
        f.create_dataset(pool + "/y", data=np.arange(n, dtype="i4") % 2)
PYTHON
}

@test "every command looks at an HDF5 file in a child first, and says what it did not come through" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    mkdir data && own_set data/own.h5
    export RELIN_DATA=$PWD/data RELIN_INSPECT_SECONDS=0.0001   # nothing is done so soon
    own=("data={set: own, train: 32, validation: 8, test: 16}")
    before=$(sha256sum < f.h5)
    for command in "status f.h5" "status --json f.h5" "summary f.h5" "verify f.h5" "measure f.h5 --metric kernel_distance" \
        "run $SWEEPS/farm.yaml grid.seed=0 -o f.h5"; do
        run "$RELIN" $command
        expected=70
        [[ $command != verify* ]] || expected=3   # what it is for: to say that a file is damaged
        [ "$status" -eq $expected ] || { echo "$command: $status: $output"; return 1; }
        [[ "$output" == *"f.h5: libhdf5 did not come to an end of it within 0 s"*"move it away"* ]] || { echo "$command: $output"; return 1; }
    done
    run "$RELIN" trace "$SWEEPS/farm.yaml" --job 0 -o f.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"f.h5: libhdf5 did not come to an end"* ]]
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${own[@]}" -o own.h5
    [ "$status" -eq 2 ] || { echo "$status: $output"; return 1; }
    [[ "$output" == *"data/own.h5: libhdf5 did not come to an end"* ]]
    [ "$(sha256sum < f.h5)" = "$before" ]
    # and all is well where there is time
    unset RELIN_INSPECT_SECONDS
    "$RELIN" status f.h5
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${own[@]}" -o own.h5
    no_names_left
}

@test "grids beyond any memory are refused before they are made, with the place and the count" {
    for bad in "grid.seed=0..999999999|grid.seed|got 1000000000 with 0..999999999" \
        "grid={seed: 0..9999, training.lr: 0.001..1 log 10000, refresh_period: 1..10000}|grid|got 1000000000000 in 4"; do
        IFS='|' read -r override key text <<<"$bad"
        run timeout $((20 * slowness)) "$RELIN" plan "$SWEEPS/farm.yaml" "$override"
        [ "$status" -eq 2 ] || { echo "$status: $output"; return 1; }
        [[ "$output" == *"$text"* ]] || { echo "$key: $output"; return 1; }
    done
    # each range is small enough, all together are not
    {
        sed '/^grid:/d' "$SWEEPS/farm.yaml"
        echo "grid:"
        for i in 1 2 3 4 5 6 7 8 9; do echo "  - {seed: 0..249999, training.momentum: [0.$i], data.set_seed: [$i], include: [{seed: 0}]}"; done
    } > many.yaml
    run timeout $((60 * slowness)) "$RELIN" plan many.yaml
    [ "$status" -eq 2 ] || { echo "$status: $output"; return 1; }
    [[ "$output" == *"many.yaml:"*"expected at most 1000000 cells in all grids together, got 1250000 with this one"* ]] || { echo "$output"; return 1; }
}

@test "aliases, depth and lists without end are refused soon" {
    {
        echo "a: &a [x, x, x, x, x, x, x, x, x, x]"
        for i in b c d e f g h i; do
            echo "$i: &$i [*$last, *$last, *$last, *$last, *$last, *$last, *$last, *$last, *$last, *$last]"
            last=$i
        done
    } | sed 's/\*,/*a,/g; s/\*\]/*a]/g' > bomb.yaml
    printf '%s\n' "grid: $(printf '[%.0s' $(seq 5000))" > deep.yaml
    head -c 5000000 /dev/zero | tr '\0' '#' > long.yaml
    for file in bomb deep long; do
        run timeout $((20 * slowness)) "$RELIN" plan $file.yaml
        [ "$status" -eq 2 ] || { echo "$file: $status: $output"; return 1; }
        [[ "$output" == *"expected at most"* ]] || { echo "$file: $output"; return 1; }
    done
}

@test "names with spaces and letters beyond ASCII work everywhere" {
    folder="$WORK/Prüf stand/ö \$x 'q'"
    mkdir -p "$folder/My data/sub" && cd "$folder"
    sed 's/^name: farm/name: "Übung 1"/' "$SWEEPS/farm.yaml" > "mein sweep ä.yaml"
    # the default name comes from the sweep's
    "$RELIN" run "mein sweep ä.yaml" grid.seed=0
    [ -e "Übung 1.h5" ] && [ ! -e "Übung 1.h5.lock" ]
    mpi 2 "$RELIN" run "mein sweep ä.yaml" grid.seed=0..1 -o "Übung 1.h5"
    run "$RELIN" status "Übung 1.h5"
    [[ "$output" == *"Übung 1: 6 of 6 jobs done"* ]]
    "$RELIN" summary --table "Übung 1.h5" > table
    "$RELIN" verify --sample 1 "Übung 1.h5"
    "$RELIN" measure "Übung 1.h5" --metric kernel_distance
    "$RELIN" plan "mein sweep ä.yaml" > plan
    "$RELIN" trace "mein sweep ä.yaml" --job 0 -o "sp ur.h5"
    # errors name the place as it is
    sed 's/seed:/sead:/' "mein sweep ä.yaml" > "fälsch er.yaml"
    run "$RELIN" run "fälsch er.yaml"
    [ "$status" -eq 2 ]
    [[ "$output" == "fälsch er.yaml:6:"*"sead"* ]] || { echo "$output"; return 1; }
    echo none > "ka putt.h5"
    run "$RELIN" status "ka putt.h5"
    [ "$status" -ne 0 ] && [[ "$output" == *"ka putt.h5"* ]]
    # data
    own_set "My data/mein é satz.h5"
    RELIN_DATA="$folder/My data" "$RELIN" data > sets
    grep -q "mein é satz" sets
    RELIN_DATA="My data" mpi 2 "$RELIN" run "mein sweep ä.yaml" "data={set: mein é satz, train: 32, test: 16}" -o "é.h5"
    no_names_left
}

@test "a run in such a folder is locked, stopped, keeps its checkpoints there and goes on" {
    folder="$WORK/Läuft gerade"
    mkdir "$folder" && cd "$folder"
    cp "$SWEEPS/farm.yaml" "a b.yaml"
    long=(training.steps=1000000 grid.seed=0 limits.checkpoint=0.05)
    "$RELIN" run "a b.yaml" "${long[@]}" -o "zé ro.h5" &
    pid=$!
    wait_for 60 test -e "zé ro.h5.lock"
    wait_for 60 bash -c 'ls "zé ro.h5.checkpoints/"* >/dev/null 2>&1'
    run "$RELIN" run "a b.yaml" "${long[@]}" -o "zé ro.h5"
    [ "$status" -eq 75 ]
    [[ "$output" == *"zé ro.h5: in use by a run"* ]] || { echo "$output"; return 1; }
    kill -USR1 $pid
    wait $pid && code=0 || code=$?
    [ "$code" -eq 75 ] || [ "$code" -eq 0 ]
    "$RELIN" run "a b.yaml" "${long[@]}" -o "zé ro.h5"
    [ ! -e "zé ro.h5.checkpoints" ] && [ ! -e "zé ro.h5.lock" ]
}
