# make install: a prefix of one's own, without root.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    export PREFIX="$BATS_FILE_TMPDIR/a prefix"
    make -s install MODE="$(basename "$RELIN_BUILD")" PREFIX="$PREFIX"
}

@test "the installed relin finds relin-summary beside it" {
    run env -i "$PREFIX/bin/relin" summary --help
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Usage: "* ]]
}

@test "man finds the installed pages" {
    [ -s "$PREFIX/share/man/man1/relin.1" ]
    [ -s "$PREFIX/share/man/man1/relin-run.1" ]
    [ -s "$PREFIX/share/man/man5/relin-sweep.5" ]
}

@test "an installed sweep can be planned" {
    run env -i "$PREFIX/bin/relin" plan "$PREFIX/share/relin/sweeps/quick.yaml"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "uninstall leaves nothing" {
    make -s -C "$BATS_TEST_DIRNAME/../.." uninstall PREFIX="$PREFIX"
    [ -z "$(find "$PREFIX" -type f)" ]
}
