"""The table of faults. A fault strikes a run at a moment, or damages what a killed run left, or both.

Each is a Fault with what is expected of the run that it strikes (`codes`), and what the next run makes of the damage
(`refused`). What must be true after every fault is checked by round.py and need not be repeated here.
"""
import os
import resource
import shutil
import signal
import time

import h5py

from world import DONE, kill

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
ANY = "any"                        # whatever code: the run was not asked
DURING = ("child", "commit", "checkpoint")


class Fault:
    def __init__(self, name, kind, strike, codes, moments=DURING, launchers=("mpirun",), ranks=(1, 3), damage=None,
                 refused=False, needs=None, disk=False):
        self.name, self.kind, self.strike, self.codes, self.moments = name, kind, strike, codes, moments
        self.launchers, self.ranks, self.damage, self.refused = launchers, ranks, damage, refused
        self.needs, self.disk = needs, disk


# --- strikes: while the run goes on. Each returns what it did to whom, or None where there was nobody. -----------

def a_child(round):
    children = round.run.children()
    return round.rng.choice(sorted(children.items())) if children else (None, None)


def kill_child(round):
    row, pid = a_child(round)
    round.take_stock({row: pid} if pid else {})
    return pid and kill(pid) and f"job {row}"


def victims(*patterns):
    def strike(round):
        pids = [pid for pattern in patterns for pid in round.run.own(pattern)]
        round.take_stock(round.run.children())
        return [kill(pid) for pid in pids] and f"{len(pids)} processes"
    return strike


def a_rank(choose, number=KILL):
    def strike(round):
        ranks = {rank: pid for rank, pid in round.run.ranks().items() if choose(rank)}
        if not ranks:
            return None
        rank = round.rng.choice(sorted(ranks))
        round.take_stock(round.run.children())
        return kill(ranks[rank], number) and f"rank {rank}"
    return strike


def a_spawner(round):
    spawners = round.run.own("relin-spawner")
    if not spawners:
        return None
    round.take_stock({})
    return kill(round.rng.choice(sorted(spawners))) and "a spawner"


def mpirun(number):
    """To the process that a user knows: mpirun, or the single process."""
    def strike(round):
        round.take_stock(round.run.children() if number == KILL else {})
        return kill(round.run.process.pid, number) and "the process started"
    return strike


def pause(pattern, shortest, longest):
    def strike(round):
        pids = round.run.own(pattern)
        if not pids:
            return None
        pid, seconds = round.rng.choice(sorted(pids)), round.rng.uniform(shortest, longest)
        round.take_stock({})
        if not kill(pid, STOP):
            return None
        time.sleep(seconds)   # how long the fault lasts
        kill(pid, signal.SIGCONT)
        return f"{seconds:.1f} s"
    return strike


def stop_worker_until_given_up(round):
    """A rank that hangs until the others have done its work, and then goes on: it must not commit a second time."""
    struck = a_rank(lambda rank: rank > 0, STOP)(round)
    if struck:
        run = round.run
        run.wait_until(lambda: len(run.status.done()) == run.status.count, 60)
        for pid in run.ranks().values():
            kill(pid, signal.SIGCONT)
    return struck


def cut_memory(round):
    row, pid = a_child(round)
    round.take_stock({})
    try:
        size = os.sysconf("SC_PAGE_SIZE") * int(open(f"/proc/{pid}/statm").read().split()[0])
        resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
    except (OSError, ProcessLookupError, TypeError):
        return None
    return f"job {row}"


CGROUP = "/sys/fs/cgroup/memory"


def cgroup_without_memory(round):
    row, pid = a_child(round)
    round.take_stock({})
    group = f"{CGROUP}/relin-faults-{os.getpid()}"
    os.makedirs(group, exist_ok=True)
    round.at_end.append(lambda: os.rmdir(group))
    try:
        for name, value in (("memory.limit_in_bytes", 65536), ("cgroup.procs", pid)):
            with open(f"{group}/{name}", "w") as file:
                file.write(str(value))
    except OSError:
        return None
    return f"job {row}"


def fill_disk(round):
    ballast = os.path.join(round.folder, "ballast")
    free = round.rng.choice([0, 0, 4096, 65536])
    round.take_stock({})
    with open(ballast, "wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
        file.truncate(max(0, file.tell() - free))
    round.before_resume.append(lambda: os.remove(ballast))
    return f"{free} bytes left"


# --- damage: to what a killed run left ----------------------------------------------------------------------------

everything = victims("mpirun$|orted", "relin$", "relin-spawner", "relin-job", "relin-idle")

NOT_IN_A_ROW = ("job", "status", "attempts")   # and what has a checksum of its own


def flip(path, offset, rng):
    with open(path, "r+b") as file:
        byte = os.pread(file.fileno(), 1, offset)
        os.pwrite(file.fileno(), bytes([byte[0] ^ 1 << rng.randrange(8)]), offset)


def datasets(file):
    names = list(file) + [f"kernels/{name}" for name in file["kernels"]]
    return [(name, file[name]) for name in names if isinstance(file[name], h5py.Dataset)]


def flip_in_a_row(round):
    with h5py.File(round.path, "r") as file:
        done = [row for row, status in enumerate(file["status"][:]) if status == DONE]
        if not done:
            return None
        places = []
        for name, item in datasets(file):
            if (item.shape[:1] == file["status"].shape and item.dtype.kind in "fiuS"
                    and name not in NOT_IN_A_ROW and "crc" not in item.attrs and not name.startswith(("training_", "kernels/job"))
                    and item.id.get_offset()):
                places.append((name, item.id.get_offset(), item.dtype.itemsize * int(item[0].size)))
    row = round.rng.choice(done)
    name, offset, size = round.rng.choice(places)
    flip(round.path, offset + row * size + round.rng.randrange(size), round.rng)
    round.run_again = {row}
    return f"row {row}, {name}"


def flip_in_a_column(round):
    with h5py.File(round.path, "r") as file:
        places = []
        for name, item in datasets(file):
            if "crc" in item.attrs and item.dtype.kind in "fiu":   # texts lie elsewhere
                places.append((name, item.id.get_offset(), item.dtype.itemsize * item.size))
    name, offset, size = round.rng.choice(places)
    flip(round.path, offset + round.rng.randrange(size), round.rng)
    return name


def flip_in_the_header(round):
    offset = round.rng.randrange(48)   # superblock, version 0: 8 bytes signature, versions, sizes, addresses
    flip(round.path, offset, round.rng)
    return f"byte {offset}"


def cut_off(round):
    size = round.rng.randrange(os.path.getsize(round.path))
    os.truncate(round.path, size)
    return f"to {size} bytes"


def foreign(round):
    with open(round.path, "wb") as file:
        file.write(round.rng.choice([b"notes of mine\n", b"\x89HDF\r\n\x1a\n", b"\0" * 4096]))
    return "another file in its place"


def a_checkpoint(round):
    folder = round.path + ".checkpoints"
    names = sorted(n for n in os.listdir(folder) if not n.endswith(".new")) if os.path.isdir(folder) else []
    return os.path.join(folder, round.rng.choice(names)) if names else None


def flip_in_a_checkpoint(round):
    path = a_checkpoint(round)
    if not path:
        return None
    flip(path, round.rng.randrange(os.path.getsize(path) - 4), round.rng)   # the last 4 bytes say nothing
    round.ignored = os.path.basename(path)
    return os.path.basename(path)


def cut_a_checkpoint(round):
    path = a_checkpoint(round)
    if not path:
        return None
    os.truncate(path, round.rng.randrange(os.path.getsize(path)))
    round.ignored = os.path.basename(path)
    return os.path.basename(path)


def remove_checkpoints(round):
    shutil.rmtree(round.path + ".checkpoints", ignore_errors=True)
    return "all of them"


def litter(round):
    """What runs that died at a bad moment leave."""
    os.makedirs(round.path + ".checkpoints", exist_ok=True)
    with h5py.File(round.path, "r") as file:
        job = file["job_id"].asstr()[round.rng.randrange(len(file["job_id"]))]
    for name in (round.path + ".new", f"{round.path}.checkpoints/{job}.new"):
        with open(name, "wb") as file:
            file.write(b"half a fi")
    return "half-written files"


# --- what this machine and this program can do --------------------------------------------------------------------

def can_mount(able):
    return None if able.mount else "needs the right to mount a small disk"


def can_cgroup(able):
    return None if able.cgroup else "needs a writable memory cgroup (version 1)"


def has_patience(able):
    return None if able.patience or able.slow else \
        "sweeps have no key limits.patience: a silent rank is given up after 120 s (FAULTS_SLOW=1 waits)"


LATE = ("commit", "checkpoint")
FAULTS = [
    # name, kind, strike, exit codes of the run that is struck
    Fault("kill-child", "kill", kill_child, {0}),
    Fault("kill-worker", "kill", a_rank(lambda rank: rank > 0), ANY, ranks=(2, 3), moments=DURING + ("launch",)),
    Fault("kill-master", "kill", a_rank(lambda rank: rank == 0), ANY, ranks=(2, 3), moments=DURING + ("launch",)),
    Fault("kill-ranks", "kill", victims("relin$"), ANY, moments=DURING + ("launch",)),
    Fault("kill-mpirun", "kill", mpirun(KILL), ANY, moments=DURING + ("launch",)),
    Fault("kill-alone", "kill", mpirun(KILL), ANY, launchers=("alone",), ranks=(1, 1), moments=DURING + ("launch",)),
    Fault("kill-everything", "kill", everything, ANY, moments=DURING + ("launch",)),
    Fault("kill-spawner", "kill", a_spawner, {0, 70, 75}, ranks=(1, 3)),
    Fault("kill-worker-recovery", "kill", a_rank(lambda rank: rank > 0), {0, 75}, launchers=("recovery",), ranks=(2, 3),
          needs=has_patience),
    Fault("kill-master-recovery", "kill", a_rank(lambda rank: rank == 0), ANY, launchers=("recovery",), ranks=(2, 3),
          needs=has_patience),
    Fault("pause-child", "stop", pause("relin-job", 0.1, 1), {0}),
    Fault("pause-rank", "stop", pause("relin$", 0.1, 1.5), {0}),
    Fault("pause-spawner", "stop", pause("relin-spawner", 0.1, 1), {0}),
    Fault("stop-worker", "stop", stop_worker_until_given_up, {0, 75}, launchers=("recovery",), ranks=(2, 3),
          needs=has_patience),
    # the others finish and end what hangs, which mpirun without --enable-recovery takes for a failure
    Fault("stop-worker-plain", "stop", stop_worker_until_given_up, ANY, ranks=(2, 3), needs=has_patience),
    Fault("drain", "stop", mpirun(signal.SIGUSR1), {0, 75}, launchers=("mpirun", "alone")),
    Fault("interrupt", "stop", mpirun(signal.SIGINT), {0, 75}, launchers=("alone",), ranks=(1, 1)),
    Fault("terminate", "stop", mpirun(signal.SIGTERM), ANY, launchers=("mpirun", "alone")),
    Fault("no-memory", "limit", cut_memory, {0}),
    Fault("no-memory-cgroup", "limit", cgroup_without_memory, {0}, needs=can_cgroup),
    Fault("full-disk", "limit", fill_disk, {0, 75}, disk=True, needs=can_mount),
    Fault("flip-row", "damage", everything, ANY, moments=("commit",), damage=flip_in_a_row),
    Fault("flip-column", "damage", everything, ANY, moments=("commit",), damage=flip_in_a_column),
    Fault("flip-header", "damage", everything, ANY, moments=LATE, damage=flip_in_the_header, refused="or harmless"),
    Fault("cut-file", "damage", everything, ANY, moments=LATE, damage=cut_off, refused=True),
    Fault("foreign-file", "damage", everything, ANY, moments=LATE, damage=foreign, refused=True),
    Fault("flip-checkpoint", "damage", everything, ANY, moments=("checkpoint",), damage=flip_in_a_checkpoint),
    Fault("cut-checkpoint", "damage", everything, ANY, moments=("checkpoint",), damage=cut_a_checkpoint),
    Fault("no-checkpoints", "damage", everything, ANY, moments=("checkpoint",), damage=remove_checkpoints),
    Fault("litter", "damage", everything, ANY, moments=LATE, damage=litter),
]
