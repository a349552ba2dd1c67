"""One round: a run that is struck at a moment, runs until complete, and what must be true of the end."""
import os
import random
import shutil
import subprocess
import tempfile
import time

import compare
from faults import ANY, has_patience
from world import DONE, Run, cpu_seconds, names_left, processes, read_text

RUNS = 8                 # that a sweep may take to its end after the last fault
SLACK = 0.05             # seconds of a job's processor time: setting up, and the longest step between two looks at the clock


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(part) for part in what))


class Round:
    def __init__(self, fault, seed, index, world):
        self.fault, self.index, self.world = fault, index, world
        self.rng = random.Random(f"{seed}/{index}/{fault.name}")
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix=f"relin-fault-{index}-", dir=world.folder))
        self.logs = tempfile.mkdtemp(prefix=f"relin-fault-{index}-logs-", dir=world.folder)
        self.path = os.path.join(self.folder, "f.h5")
        self.runs, self.hits, self.lost, self.names = 0, 0, [], set()   # lost: seconds, interval in force
        self.committed, self.stock, self.before_resume, self.at_end = {}, {}, [], []
        self.run_again, self.ignored, self.story = set(), None, []
        self.run = None

    # --- running ---

    def start(self, extra=()):
        self.runs += 1
        launcher = self.rng.choice(self.fault.launchers)
        low, high = self.fault.ranks
        ranks = 1 if launcher == "alone" else self.rng.randint(low, high)
        self.story.append(f"{launcher} {ranks}")
        self.run = Run(self.world.relin, self.folder, self.world.sweep, ranks, launcher, extra=extra,
                       log=os.path.join(self.logs, str(self.runs)))

    def wait_for_moment(self):
        """Tied to what the run shows of itself, then some milliseconds."""
        run, rng = self.run, self.rng
        kind = rng.choice(self.fault.moments)
        count = rng.randint(1, {"commit": 6, "checkpoint": 25}.get(kind, 1))
        delay = rng.uniform(0, {"launch": 1.5, "child": 0.3, "commit": 0.1, "checkpoint": 0.02}[kind])
        done = len(run.status.done())
        self.story.append(f"{kind} {count} + {delay * 1e3:.0f} ms")
        reached = {"launch": lambda: True, "child": lambda: bool(run.own("relin-job-")),
                   "commit": lambda: len(run.status.done()) >= min(done + count, run.status.count - 1) > done,
                   "checkpoint": lambda: len(run.checkpoints()) >= count}[kind]
        if not run.wait_until(reached):
            return False
        end = time.monotonic() + delay
        run.wait_until(lambda: time.monotonic() >= end)
        return not run.over()

    def take_stock(self, children):
        """Right before a strike: what is committed, and how far the jobs are that it will stop."""
        self.run.note_names()
        done = self.run.status.done()   # first: what is done then is whole in the copy
        self.copy(done)
        self.stock = {row: (pid, cpu) for row, pid in children.items() if (cpu := cpu_seconds(pid)) is not None}

    def copy(self, done):
        if done:
            shutil.copyfile(self.path, os.path.join(self.logs, "at-the-fault.h5"))
            self.pending_copy = done

    # --- one run ---

    def struck_run(self):
        """A run with the fault. Returns whether it was hit."""
        self.stock, self.pending_copy = {}, []
        self.start(("limits.patience=4s",) if self.fault.needs == has_patience and self.world.able.patience else ())
        did = self.fault.strike(self) if self.wait_for_moment() else None
        self.story.append(f"({did})" if did else "(missed)")
        code = self.finish()
        if did and self.fault.codes != ANY:
            check(code in self.fault.codes, f"the run ended with {code}, expected {sorted(self.fault.codes)}")
        if self.pending_copy:
            self.committed.update(compare.rows_of(os.path.join(self.logs, "at-the-fault.h5"), self.pending_copy))
        self.look_at_committed()
        if did:
            self.measure_lost()
        return bool(did)

    def finish(self):
        code = self.run.end()
        self.run.wait_for_silence()
        self.names |= self.run.names
        self.story.append(f"-> {code}")
        return code

    def look_at_committed(self):
        """Nothing that was committed is lost or changed; what was committed since is watched from now on."""
        done = self.run.status.done()
        check(set(self.committed) - self.run_again <= set(done), "rows were lost:", set(self.committed) - set(done))
        if done:
            self.check_unchanged()
            self.committed.update(compare.rows_of(self.path, [row for row in done if row not in self.committed]))

    def check_unchanged(self):
        watched = {row: content for row, content in self.committed.items() if row not in self.run_again}
        changed = compare.changed(watched, self.path) if watched else []
        check(not changed, "committed rows were changed or run again:", changed[:5])

    def measure_lost(self):
        """Processor time of the stopped jobs since the state of their last checkpoint."""
        written = self.run.checkpoints()
        for row, (pid, cpu) in self.stock.items():
            own = [(at, interval) for process, _, at, interval in written if process == pid and at <= cpu]
            since, interval = own[-1] if own else (0, self.world.interval)
            self.lost.append((cpu - since, interval))
            check(cpu - since <= interval + SLACK,
                  f"job {row} lost {cpu - since:.3f} s of work, interval in force {interval:.3f} s")

    # --- the round ---

    def go(self):
        if self.fault.disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=768k", "none", self.folder], check=True)
            self.at_end.append(lambda: subprocess.run(["umount", self.folder], check=True))
        for _ in range(self.rng.randint(1, 6) if self.fault.kind == "kill" else 1):
            self.hits += self.struck_run()
            if self.fault.name == "full-disk":
                self.run_while_damaged()
            if len(self.run.status.done()) == self.run.status.count > 0:
                break
        if self.fault.damage and os.path.exists(self.path):
            self.damaged_run()
        for undo in self.before_resume:
            undo()
        self.resume()
        self.check_end()

    def run_while_damaged(self):
        """A run on a disk that is full still must not make it worse."""
        if not os.path.exists(os.path.join(self.folder, "ballast")):
            return
        self.start()
        code = self.finish()
        check(code in (0, 75), f"on a full disk the next run ended with {code}")
        self.look_at_committed()

    def damaged_run(self):
        kept = os.path.join(self.logs, "before-the-damage.h5")
        shutil.copyfile(self.path, kept)
        did = self.fault.damage(self)
        self.story.append(f"damage ({did})")
        self.hits += bool(did)
        if not did or not self.fault.refused:
            return
        with open(self.path, "rb") as file:
            damaged = file.read()
        self.start()
        code = self.finish()
        if code == 0 and self.fault.refused == "or harmless":
            return   # a bit that means nothing; the end is compared all the same
        check(code in (2, 70), f"a damaged file: the run ended with {code}, expected 2 or 70")
        check("f.h5" in read_text(self.run.log), "the refusal does not name the file")
        with open(self.path, "rb") as file:
            check(file.read() == damaged, "a file that was refused was changed")
        shutil.copyfile(kept, self.path)

    def resume(self):
        """Until the sweep is complete."""
        for attempt in range(RUNS):
            waiting = self.waiting_checkpoints()
            self.start()
            code = self.finish()
            self.look_at_committed()
            self.check_taken_up(waiting)
            if code == 0:
                return
            check(code in (70, 75) and attempt + 1 < RUNS, f"the run after it ended with {code}")

    def waiting_checkpoints(self):
        folder = self.path + ".checkpoints"
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return {name for name in names if not name.endswith(".new")}

    def check_taken_up(self, waiting):
        """What was kept of unfinished jobs is used, and what is damaged is told."""
        log = read_text(self.run.log)
        if self.ignored in waiting:
            check(f"{self.ignored}: torn or damaged" in log and "ignored" in log, "a damaged checkpoint was not told")
            waiting = waiting - {self.ignored}
        for job in waiting:
            row = self.world.row_of[job]
            if row not in self.committed or row in self.run_again:
                check(f"job {job} (process" in log and "goes on from its checkpoint" in log,
                      f"the checkpoint of job {job} (row {row}) was not used")

    def check_end(self):
        self.check_unchanged()
        differing = compare.differences(self.world.whole, self.path)
        check(not differing, "differs from the undisturbed run:", differing)
        for row in self.run_again:
            check(compare.changed({row: self.committed[row]}, self.path), f"damaged row {row} was not run again")
        verdict = subprocess.run([self.world.relin, "verify", self.path], capture_output=True, text=True)
        check(verdict.returncode == 0, f"relin verify ended with {verdict.returncode}:", verdict.stdout + verdict.stderr)
        check(self.run.status.read() == bytes([DONE]) * self.run.status.count, "rows are left")
        left = compare.beside(self.path) + names_left(self.names) + processes(self.folder)
        check(not left, "left:", left)

    def clean(self):
        if self.run:
            self.run.abandon()
        for undo in reversed(self.at_end):
            undo()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.logs, ignore_errors=True)
