#!/usr/bin/env python3
"""Strikes runs of relin with faults, again and again, and checks that nothing is lost. See --help, CONTRIBUTING.md."""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"   # before h5py: it reads while runs write
import h5py                                      # noqa: E402
import numpy as np                               # noqa: E402

import compare                                   # noqa: E402
from faults import CGROUP, FAULTS                # noqa: E402
from round import SLACK, Round                   # noqa: E402
from world import Run, read_text                 # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Able:
    """What this machine and this program can do."""

    def __init__(self, relin, folder):
        place = tempfile.mkdtemp(dir=folder)
        self.mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", place],
                                    stderr=subprocess.DEVNULL).returncode == 0
        if self.mount:
            subprocess.run(["umount", place], check=True)
        os.rmdir(place)
        self.cgroup = os.access(f"{CGROUP}/cgroup.procs", os.W_OK) and os.path.exists(f"{CGROUP}/memory.limit_in_bytes")
        self.patience = "limits.patience" in subprocess.run([relin, "plan", "--keys"], capture_output=True, text=True).stdout
        self.slow = bool(os.environ.get("FAULTS_SLOW"))


class World:
    """What all rounds share: the program, the sweep, its undisturbed result, a folder."""

    def __init__(self, options):
        self.relin, self.sweep = os.path.realpath(options.relin), os.path.join(HERE, "..", "sweeps", "faults.yaml")
        self.folder = tempfile.mkdtemp(prefix="relin-faults-", dir=options.folder)
        self.whole = os.path.join(self.folder, "whole.h5")
        self.interval = 0.02   # limits.checkpoint of the sweep
        assert f"checkpoint: {self.interval}s" in read_text(self.sweep)
        self.able = Able(self.relin, self.folder)
        subprocess.run([self.relin, "run", self.sweep, "limits.checkpoint=none", "-o", self.whole], check=True,
                       cwd=self.folder, stdout=subprocess.DEVNULL, env=dict(os.environ, RELIN_PROGRESS="none"))
        with h5py.File(self.whole, "r") as file:
            self.row_of = {job: row for row, job in enumerate(file["job_id"].asstr()[:])}


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("relin", help="the program under test")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--only", type=int, metavar="ROUND", help="repeat one round of this seed, with the same selection")
    parser.add_argument("--select", default="", help="names or kinds of faults, with commas (default: all)")
    parser.add_argument("--folder", default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
                        help="where to work (default: in memory)")
    parser.add_argument("--again", type=int, default=0, metavar="N",
                        help="a fault that came too late is tried up to N times more, at other moments")
    parser.add_argument("--self-test", action="store_true", help="does the driver see what it looks for?")
    parser.add_argument("--list", action="store_true", help="list the faults, and why some cannot be had here")
    return parser.parse_args()


def select(options, able):
    """The faults that can be had; says which cannot, and why."""
    wanted = set(filter(None, options.select.split(",")))
    unknown = wanted - {name for fault in FAULTS for name in (fault.name, fault.kind)}
    if unknown:
        sys.exit(f"run.py: unknown faults: {', '.join(sorted(unknown))}; --list shows them")
    chosen = []
    for fault in FAULTS:
        if wanted and not wanted & {fault.name, fault.kind}:
            continue
        reason = fault.needs(able) if fault.needs else None
        if reason:
            print(f"skipped {fault.name}: {reason}")
        else:
            chosen.append(fault)
        if options.list:
            print(f"{fault.kind:8} {fault.name}")
    return chosen


def repeat_line(options, index):
    selection = f" FAULTS_SELECT={options.select}" if options.select else ""
    return f"make check-faults FAULTS_N={options.rounds} FAULTS_SEED={options.seed} FAULTS_ONLY={index}{selection}"


def strike(options, world, fault, index, moment):
    """One round. Returns it, and what was wrong, or None."""
    start, round, wrong = time.monotonic(), Round(fault, options.seed + moment, index, world), None
    try:
        round.go()
    except (AssertionError, TimeoutError) as error:
        wrong = error
    except BaseException:   # interrupted, or the driver's own mistake: nothing may go on running
        round.clean()
        raise
    print(f"[{index + 1:3}/{options.rounds}] {'FAILED' if wrong else 'ok    '} {fault.name}: {' '.join(round.story)}"
          f"  {time.monotonic() - start:.1f} s", flush=True)
    if wrong:
        print(f"  {wrong}\n  repeat: {repeat_line(options, index)}")
        for name in sorted(os.listdir(round.logs)):
            if name.isdigit():
                tail = [line for line in read_text(os.path.join(round.logs, name)).splitlines() if "debug:" not in line]
                print("\n".join(f"  log {name}: {line}" for line in tail[-8:]))
    round.clean()
    return round, wrong


def go(options, world, chosen):
    """All rounds. Returns how many failed."""
    order = random.Random(options.seed)
    plan = []
    while len(plan) < options.rounds:   # every fault as often as any other
        plan += order.sample(chosen, len(chosen))
    hits = failed = 0
    lost = []
    for index, fault in enumerate(plan[:options.rounds]):
        if options.only not in (None, index):
            continue
        for moment in range(1 + options.again):
            round, wrong = strike(options, world, fault, index, moment)
            hits, lost, failed = hits + round.hits, lost + round.lost, failed + bool(wrong)
            if round.hits or wrong:
                break
    print(f"{hits} faults struck in {len(plan[:options.rounds])} rounds, {failed} rounds failed; seed {options.seed}")
    if lost:
        values, over = sorted(seconds for seconds, _ in lost), sorted(seconds - force for seconds, force in lost)
        print(f"work lost by {len(lost)} stopped jobs: median {values[len(values) // 2] * 1e3:.0f} ms, largest "
              f"{values[-1] * 1e3:.0f} ms of processor time; {sum(o <= 0 for o in over)} at most the interval in force "
              f"(limits.checkpoint = {world.interval * 1e3:.0f} ms, or 128 x the last write), the others longer by at most "
              f"{max(over[-1], 0) * 1e3:.0f} ms ({SLACK * 1e3:.0f} allowed: setting up, a step)")
    return failed


def rewrite(name, change):
    def lie(round):
        with h5py.File(round.path, "r+") as file:
            file[name][2] = change(file[name][2])
    return lie


def litter(round):
    with open(round.path + ".lock", "w"):
        pass


LIES = {"a row that is lost": rewrite("status", lambda status: 0),
        "a result that changed": rewrite("test_loss", lambda loss: np.nextafter(loss, 9)),
        "a result that was wrong from the first": lambda round: (
            round.committed.clear(), rewrite("curve_test_loss", lambda loss: np.nextafter(loss, 9))(round)),
        "a row that was run again": rewrite("start_time", lambda start: start + 1),
        "a file that was left": litter}


def self_test(world):
    """Files with a lie each, which the checks of a round must see."""
    seen = 0
    for name, lie in LIES.items():
        round = Round(FAULTS[0], 0, 0, world)
        shutil.copyfile(world.whole, round.path)
        round.run = Run("true", round.folder, "", 1, "alone", log=os.path.join(round.logs, "1"))
        round.committed = compare.rows_of(round.path, range(len(world.row_of)))
        round.check_end()   # the truth passes
        lie(round)
        try:
            round.look_at_committed()
            round.check_end()
        except AssertionError as error:
            print(f"{name}: {error}")
            seen += 1
        round.clean()
    print(f"{seen} of {len(LIES)} lies were seen")
    return 0 if seen == len(LIES) else 1


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # so that what was started is ended
    options = parse()
    world = World(options)
    try:
        if options.self_test:
            return self_test(world)
        print(f"seed {options.seed}, {options.rounds} rounds, {world.folder}")
        chosen = select(options, world.able)
        if options.list:
            return 0
        return 1 if not chosen or go(options, world, chosen) else 0
    finally:
        shutil.rmtree(world.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
