"""One run of relin as seen from outside: its processes, its result file, its log."""
import glob
import os
import re
import signal
import subprocess
import time

import h5py

PENDING, RUNNING, DONE, FAILED = range(4)


def read_text(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def processes(folder):
    """Living processes that work in the folder: [(pid, name)]."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") != folder:
                continue
        except OSError:
            continue
        name = read_text(f"/proc/{pid}/comm").strip()
        if re.match(r"relin|mpirun$|orted$|prte", name):
            found.append((int(pid), name))
    return found


def rank_of(pid):
    """From the environment that mpirun gave it; a single process is rank 0."""
    match = re.search(r"(?:PMIX_RANK|OMPI_COMM_WORLD_RANK)=(\d+)", read_text(f"/proc/{pid}/environ"))
    return int(match.group(1)) if match else 0


def cpu_seconds(pid):
    """Processor time of a living process, exact to the nanosecond; None when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


class StatusBytes:
    """The status of every row, read where it lies in the file: thousands of times a second, and without HDF5."""

    def __init__(self, path):
        self.path, self.inode, self.offset, self.count = path, None, 0, 0

    def read(self):
        try:
            inode = os.stat(self.path).st_ino
            if inode != self.inode:
                with h5py.File(self.path, "r") as file:
                    self.offset, self.count = file["status"].id.get_offset(), len(file["status"])
                self.inode = inode
            with open(self.path, "rb") as file:
                return os.pread(file.fileno(), self.count, self.offset)
        except (OSError, KeyError):
            return b""

    def done(self):
        return [row for row, status in enumerate(self.read()) if status == DONE]


class Run:
    """relin run, started and watched. launcher: "alone", "mpirun" or "recovery"."""

    def __init__(self, relin, folder, sweep, ranks, launcher, output="f.h5", extra=(), log="log"):
        self.relin, self.folder, self.log, self.started = relin, folder, os.path.join(folder, log), time.monotonic()
        self.status = StatusBytes(os.path.join(folder, output))
        self.names, self.swept = set(), 0.0
        start = {"alone": [], "mpirun": ["mpirun", "-q", "-n", str(ranks)],
                 "recovery": ["mpirun", "-q", "--enable-recovery", "-n", str(ranks)]}[launcher]
        environment = dict(os.environ, RELIN_LOG="debug", RELIN_PROGRESS="none")
        with open(self.log, "wb") as sink:
            self.process = subprocess.Popen(start + [relin, "run", sweep, "-o", output, *extra], cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=environment)

    def over(self):
        return self.process.poll() is not None

    def own(self, pattern):
        return [pid for pid, name in processes(self.folder) if re.match(pattern, name)]

    def ranks(self):
        """{rank: pid}"""
        return {rank_of(pid): pid for pid in self.own("relin$")}

    def children(self):
        """{row: pid}"""
        return {int(name[10:]): pid for pid, name in processes(self.folder) if name.startswith("relin-job-")}

    def note_names(self):
        """Remembers what the ranks hold in shared memory: after the run there must be nothing of it."""
        for pid in self.ranks().values():
            for link in glob.glob(f"/proc/{pid}/fd/*"):
                try:
                    match = re.match(r"/dev/shm/(relin-[0-9a-f]{16})", os.readlink(link))
                except OSError:
                    continue
                if match:
                    self.names.add(match.group(1))

    def checkpoints(self):
        """The log's lines on checkpoints: [(process, job, processor seconds, interval in force from then on)]."""
        return [(int(p), j, float(c), float(i)) for j, p, c, i in re.findall(
            r"job (\w+) \(process (\d+)\): checkpoint of its state after ([\d.]+) s of processor time, "
            r"written in [\d.]+ s, interval in force ([\d.]+) s", read_text(self.log))]

    def wait_until(self, condition, patience=120):
        """True when it came true; False when the run was over before. Too long is an error."""
        end = time.monotonic() + patience
        while not condition():
            if self.over():
                return False
            if time.monotonic() > end:
                raise TimeoutError(f"nothing happened for {patience} s")
            if time.monotonic() > self.swept + 0.1:
                self.note_names()
                self.swept = time.monotonic()
            time.sleep(0.002)
        return True

    def end(self, patience=300, alone=60):
        """Waits for the end; returns the exit code, negative for a signal. Open MPI 4.1's mpirun can deadlock when it ends:
        where it alone has lived for a time it is killed, and the file has the verdict."""
        until = time.monotonic() + patience
        lived = time.monotonic()
        while time.monotonic() < until:
            try:
                return self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                if self.own("relin"):
                    lived = time.monotonic()
            if time.monotonic() > lived + alone:
                print(f"mpirun (process {self.process.pid}) did not end and was killed", flush=True)
                kill(self.process.pid)
                self.process.wait()
                return subprocess.run([self.relin, "status", "--exit-code", self.status.path], cwd=self.folder,
                                      stdout=subprocess.DEVNULL, check=False).returncode
        raise TimeoutError(f"the run did not end within {patience} s")

    def wait_for_silence(self, patience=30):
        """Until no process of the folder lives."""
        end = time.monotonic() + patience
        while processes(self.folder):
            if time.monotonic() > end:
                raise AssertionError(f"left after {patience} s: {processes(self.folder)}")
            time.sleep(0.02)

    def abandon(self):
        for pid, _ in processes(self.folder):
            kill(pid, signal.SIGCONT)
            kill(pid)
        self.process.wait()


def names_left(names):
    return [name for name in os.listdir("/dev/shm") if name[:22] in names]
