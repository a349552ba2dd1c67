#!/bin/bash
# Runs a command with shared memory of its own, since some tests look whether anything is left there.
#
#   tests/apart.sh COMMAND...      tests/apart.sh true: may that be done here?
# (bash all the way: sh may drop functions from the environment)
exec unshare --mount bash -c 'mount -t tmpfs -o size=2g none /dev/shm && exec "$@"' apart "$@"
