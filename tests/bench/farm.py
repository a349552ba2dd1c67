#!/usr/bin/python3
"""What the farm costs, beside others that hand out jobs, in one run.

    tests/bench/farm.py build/release [--json FILE] [--quick]        make bench-farm

Wall times say what a user waits for and mean something on a quiet machine only; "jobs per CPU second" is the number of jobs
over the processor time of all processes (times the cores: what two quiet cores could do). Runs of rivals alternate, and
medians are told. Who is not there is named with the reason.
"""
import argparse
import glob
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
CLUSTER = os.path.join(ROOT, "tests/slurm/cluster.sh")
SWEEP = os.path.join(ROOT, "tests/sweeps/empty.yaml")
results = {}


def environment():
    """As .ci/mpi.sh has it; the BLAS core type is the machine's own, with one thread."""
    text = subprocess.run(["bash", "-c", f". {ROOT}/.ci/mpi.sh && env -0"], capture_output=True, check=True).stdout
    env = dict(line.split("=", 1) for line in text.decode().split("\0") if "=" in line)
    env.pop("OPENBLAS_CORETYPE", None)
    env.update(OPENBLAS_NUM_THREADS="1", RELIN_PROGRESS="none")
    return env


def run(command, seconds=120, **more):
    """Wall time, processor time and output of a command that must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds, **more)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:120]}: ended with {done.returncode}: {done.stderr[-300:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def mpirun(n, *command):
    return ["mpirun", "-q", "-n", str(n), *command]


# --- who runs n empty jobs on two cores: (wall, CPU) in seconds ---

def with_relin(n, ranks=2):
    shutil.rmtree("f.h5.checkpoints", ignore_errors=True)
    for file in glob.glob("f.h5*"):
        os.unlink(file)
    return run(mpirun(ranks, RELIN, "run", SWEEP, f"grid.seed=0..{n - 1}", "-o", "f.h5"))[:2]


def with_parallel(n):
    return run(["bash", "-c", f"seq {n} | parallel --will-cite -j2 true"])[:2]


def with_mpi4py(n):
    script = ("import sys\nfrom mpi4py.futures import MPIPoolExecutor\ndef job(i):\n    return i\n"
              "if __name__ == '__main__':\n    with MPIPoolExecutor() as pool:\n"
              f"        assert sum(pool.map(job, range({n}))) == {n * (n - 1) // 2}\n")
    with open("pool.py", "w", encoding="utf-8") as file:
        file.write(script)
    return run(mpirun(3, "/usr/bin/python3", "-m", "mpi4py.futures", "pool.py"))[:2]


def with_slurm(n):
    """A job array in the cluster of tests/slurm: from sbatch to the end of the last task."""
    start = time.monotonic()
    run(["sbatch", "-W", "-o", "/dev/null", f"--array=1-{n}", "-n1", "--wrap=true"], 240)
    return time.monotonic() - start, 0.0   # what slurmd and its steps use is not counted


def missing(name):
    if name == "parallel" and not shutil.which("parallel"):
        return "GNU parallel is not installed (apt-get install parallel)"
    if name == "mpi4py.futures" and subprocess.run(["/usr/bin/python3", "-c", "import mpi4py.futures"],
                                                   capture_output=True, check=False).returncode:
        return "mpi4py is not installed (apt-get install python3-mpi4py)"
    if name == "Slurm job array":
        reason = subprocess.run([CLUSTER, "why-not"], capture_output=True, text=True, check=False).stdout.strip()
        if reason:
            return f"no cluster on this machine: {reason} (make check-slurm installs it)"
        done = subprocess.run([CLUSTER, "start", "cluster", "1", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=120)
        if done.returncode:
            return f"no cluster on this machine: {done.stderr.strip()[-200:]}"
        ENV["SLURM_CONF"] = os.path.abspath("cluster/slurm.conf")
    return None


def rivals(repeats):
    """Many jobs and one, in turn: the difference is what the jobs cost."""
    all_of = {"relin": (with_relin, 6000), "mpi4py.futures": (with_mpi4py, 20000), "GNU parallel": (with_parallel, 600),
              "Slurm job array": (with_slurm, 24)}
    present, told = {}, {}
    for name, what in all_of.items():
        reason = missing("parallel" if name == "GNU parallel" else name)
        if reason:
            told[name] = {"skipped": reason}
        else:
            present[name] = what
    samples = {name: [] for name in present}
    for _ in range(repeats):
        for name, (how, n) in present.items():
            if name == "Slurm job array" and samples[name]:
                continue   # half a minute: once
            try:
                few, many = how(1), how(n)
                samples[name].append([(n - 1) / max(many[k] - few[k], 1e-9) for k in (0, 1)] + [few[0]])
            except (RuntimeError, subprocess.TimeoutExpired) as failure:
                told[name] = {"skipped": str(failure)}
    if "Slurm job array" in present:
        subprocess.run([CLUSTER, "stop", "cluster"], capture_output=True, check=False, timeout=120)
    for name, list_of in samples.items():
        if list_of:
            wall, cpu, start = (statistics.median(x) for x in zip(*list_of))
            told[name] = {"jobs_per_second": wall, "jobs_per_cpu_second": cpu, "two_cores_could": 2 * cpu, "start_seconds": start}
            if name == "Slurm job array":
                del told[name]["jobs_per_cpu_second"], told[name]["two_cores_could"]
    return told


# --- relin alone ---

def workers_of(counts, jobs):
    """Whole empty jobs, child and commit included; what rank 0 did for each, and of how much of a core."""
    told = {}
    for ranks in counts:
        few, many = with_relin(1, ranks), with_relin(jobs, ranks)
        used = json.loads(run([RELIN, "status", "--resources", "--json", "f.h5"])[2])["runs"][0]
        told[ranks] = {"jobs_per_second": (jobs - 1) / (many[0] - few[0]), "jobs_per_cpu_second": (jobs - 1) / (many[1] - few[1]),
                       "start_seconds": few[0], "commit_us": 1e6 * used["commit_seconds"] / used["commits"],
                       "rank_0_share": used["rank_0_cpu_seconds"] / used["seconds"]}
    return told


def hand_outs(counts, jobs):
    return {n: json.loads(run(mpirun(n + 1, f"{BUILD}/bench/handout", SWEEP, str(jobs)))[2]) for n in counts}


def file_of(path):
    import h5py
    with h5py.File(path, "r", locking=False) as file:
        return {name: file[name][:] for name in ("start_time", "wall_seconds", "cpu_seconds", "worker", "status")}


def efficiency(repeats):
    """Medians; and each, since a core that somebody else slows down is in them: jobs are dealt out whole."""
    each = [efficiency_once() for _ in range(repeats)]
    middle = sorted(each, key=lambda told: told["efficiency"])[repeats // 2]
    return {**middle, "each": [round(told["efficiency"], 3) for told in each]}


def efficiency_once():
    """Jobs of about a second on two ranks: sum of t over (P times makespan), first start to last end; between two jobs, as
    a part of the makespan; and the time from mpirun to the first job of each rank."""
    for file in glob.glob("e.h5*"):
        os.unlink(file)
    start = time.time()
    run(mpirun(2, RELIN, "run", os.path.join(ROOT, "tests/sweeps/second.yaml"), "grid.seed=0..29", "-o", "e.h5"))
    rows = file_of("e.h5")
    begin, wall = rows["start_time"], rows["wall_seconds"]
    makespan = (begin + wall).max() - begin.min()
    busy = sum((begin + wall)[rows["worker"] == w].max() - begin[rows["worker"] == w].min() for w in set(rows["worker"]))
    return {"efficiency": float(wall.sum() / (2 * makespan)), "between_jobs": float(1 - wall.sum() / busy),
            "job_seconds": float(statistics.median(wall)),
            "first_job_after": {int(w): float(begin[rows["worker"] == w].min() - start) for w in sorted(set(rows["worker"]))}}


def rank_0_of(mpirun_pid):
    """The rank of a run with one: relin below mpirun."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8") as file:
                text = file.read()
            name, parent = text[text.index("(") + 1:text.rindex(")")], int(text[text.rindex(")"):].split()[2])
        except (OSError, ValueError):
            continue
        if name == "relin" and parent == mpirun_pid:
            return int(os.path.basename(os.path.dirname(stat)))
    return None


def large(jobs):
    """A sweep of so many jobs: seconds to the first one, and rank 0's memory."""
    start = time.monotonic()
    with subprocess.Popen(mpirun(1, RELIN, "run", SWEEP, f"grid.seed=0..{jobs - 1}", "-o", "m.h5"), env=ENV,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        rank, first = None, None
        while process.poll() is None and time.monotonic() - start < 600:
            rank = rank or rank_0_of(process.pid)
            children = [comm for comm in glob.glob("/proc/[0-9]*/comm") if rank and is_job_of(comm, rank)]
            if children:
                first = time.monotonic() - start
                break
            time.sleep(0.02)
        memory = None
        if rank and process.poll() is None:
            with open(f"/proc/{rank}/status", encoding="utf-8") as file:
                memory = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
        process.send_signal(signal.SIGUSR1)   # drains
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
    size = os.path.getsize("m.h5") if os.path.exists("m.h5") else None
    for file in glob.glob("m.h5*"):
        os.unlink(file)
    return {"jobs": jobs, "first_job_after": first, "rank_0_bytes": memory, "file_bytes": size}


def is_job_of(comm, rank):
    try:
        with open(comm, encoding="utf-8") as file:
            if not file.read().startswith(("relin-job", "relin-idle")):
                return False
        folder = os.path.dirname(comm)
        with open(f"{folder}/stat", encoding="utf-8") as file:
            parent = file.read().rsplit(")", 1)[1].split()[1]
        with open(f"/proc/{parent}/stat", encoding="utf-8") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1]) == rank
    except (OSError, ValueError, IndexError):
        return False


# --- what is told ---

def step(name, what, *arguments):
    start = time.monotonic()
    try:
        results[name] = what(*arguments)
    except (RuntimeError, subprocess.TimeoutExpired, OSError, ImportError, KeyError, ValueError) as failure:
        results[name] = {"skipped": str(failure)}
    print(f"# {name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return results[name]


def show():
    print(f"machine: {results['machine']}")
    for name, r in results.get("rivals", {}).items():
        print(f"{name:16} " + (f"skipped: {r['skipped']}" if "skipped" in r else
              f"{r['jobs_per_second']:9.1f} jobs/s   {r.get('two_cores_could', float('nan')):9.0f} by CPU time on 2 cores   "
              f"start {r['start_seconds']:.2f} s"))
    for n, r in results["handouts"].items():
        print(f"hand-outs skipped: {r}" if n == "skipped" else
              f"hand-out, {n:>2} workers {r['handouts_per_second']:9.0f}/s   {r['handouts_per_master_cpu_second']:9.0f} per master CPU "
              f"second   answer {r['dispatch_us_median']:.1f} us (95 %: {r['dispatch_us_95']:.1f})   idle {100 * r['idle_cpu_share']:.2f} %")
    for n, r in results["whole_jobs"].items():
        print(f"whole empty jobs skipped: {r}" if n == "skipped" else f"whole empty jobs, {n:>2} ranks {r['jobs_per_second']:9.0f}/s   "
              f"{2 * r['jobs_per_cpu_second']:9.0f} by CPU time on 2 cores   commit {r['commit_us']:.0f} us on rank 0, "
              f"{100 * r['rank_0_share']:.0f} % of a core in all")
    for name in ("scale", "efficiency", "large"):
        if name in results:
            print(f"{name}: {json.dumps(results[name])}")
    told, handouts = results.get("rivals", {}), results["handouts"]
    ours, best = told.get("relin", {}), max((r.get("handouts_per_second", 0) for r in handouts.values() if isinstance(r, dict)), default=0)
    for name in ("mpi4py.futures", "GNU parallel", "Slurm job array"):
        rate = told.get(name, {}).get("jobs_per_second")
        if rate and "jobs_per_second" in ours:
            print(f"relin over {name}: whole jobs {ours['jobs_per_second'] / rate:.1f}x, hand-outs {best / rate:.1f}x")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d %H:%M')}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build")
    options.add_argument("--json", help="raw figures")
    options.add_argument("--quick", action="store_true", help="the farm alone, without rivals and the large sweep")
    given = options.parse_args()
    global BUILD, RELIN, ENV
    BUILD, ENV = os.path.realpath(given.build), environment()
    RELIN, output = f"{BUILD}/relin", os.path.abspath(given.json) if given.json else None
    results["machine"] = machine()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        step("handouts", hand_outs, [1] if given.quick else [1, 2, 4, 8, 16], 20000)
        step("scale", lambda: json.loads(run([f"{BUILD}/bench/scale"])[2])["rank_0_us_per_row"])
        step("whole_jobs", workers_of, [2] if given.quick else [1, 2, 4, 8, 16], 4000)
        if not given.quick:
            step("efficiency", efficiency, 3)
            step("rivals", rivals, 3)
            step("large", large, 1000000)   # as many as a sweep may have
        os.chdir("/")
    show()
    if output:
        with open(output, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
