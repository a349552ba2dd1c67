# The Makefile: what is compiled again, and what is not.

# object ARGUMENT...: makes one object in a build folder of this test's own
object() { make --no-print-directory -C "$BATS_TEST_DIRNAME/../.." B="$BATS_FILE_TMPDIR/b" "$@" "$BATS_FILE_TMPDIR/b/obj/base/text.o"; }

@test "a changed flag compiles again, the same flags do not" {
    [[ "$(object)" == *"CC "*text.o* ]]
    [[ "$(object)" != *"CC "* ]]
    [[ "$(object EXTRA_CFLAGS=-DUNHEARD_OF)" == *"CC "*text.o* ]]
    [[ "$(object EXTRA_CFLAGS=-DUNHEARD_OF)" != *"CC "* ]]
    [[ "$(object)" == *"CC "*text.o* ]]
}
