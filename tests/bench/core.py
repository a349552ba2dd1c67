#!/usr/bin/python3
"""How fast the numeric core is, beside PyTorch doing the same work, in one run; and how costs grow.

    tests/bench/core.py build/release [--json FILE] [--quick] [--rounds N] [--only PART,...]        make bench

Parts: beside (relin and PyTorch in turns: one thread and all cores, each with OPENBLAS_CORETYPE unset for both and pinned to
Haswell for both), all (every architecture and engine of relin), growth (costs against width, depth, N, K, jobs and ranks with
fitted exponents), sweep (48 jobs of a second on one and on two cores). Before anything is timed both programs do the same steps
from the same numbers: where losses or kernels differ, nothing is compared.

Medians over rounds in which the two alternate. "by CPU" is the ratio of processor times, which other users of the machine
disturb less; it means something with one thread only.
"""
import argparse
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import farm  # noqa: E402
import torch_bench  # noqa: E402

CORES = len(os.sched_getaffinity(0))
NETWORKS = {"mlp": "dense", "cnn": "cnn"}                                # relin's name, and that of torch_bench.py
WORK = {"standard": "standard", "tangent": "linearised", "full": "ntk"}
# What is wanted of one thread, unpinned: times PyTorch's speed; and the share of SGEMM.
TARGETS = {("mlp", "standard"): 1.5, ("cnn", "standard"): 1.5, ("mlp", "tangent"): 2.5, ("cnn", "tangent"): 2,
           ("mlp", "full"): 20, ("cnn", "full"): 3}
SHARE_TARGET = {("mlp", "standard"): 0.75}
results = {}


def note(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def relin(arguments, threads=1, pin=None, seconds=900):
    env = torch_bench.environment(threads, pin)
    done = subprocess.run([f"{BUILD}/relin", "bench", "--json", f"--threads={threads}", *arguments], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise RuntimeError(f"relin bench {' '.join(arguments)}: ended with {done.returncode}: {done.stderr[-300:]}")
    return json.loads(done.stdout)


class Torch:
    """torch_bench.py --serve, and its answers."""

    def __init__(self, threads, pin):
        env = dict(torch_bench.environment(threads, pin), RELIN_TORCH_BENCH=str(threads))
        self.process = subprocess.Popen(["/usr/bin/python3", torch_bench.__file__, "--serve"], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("PyTorch ended early")
        return json.loads(line)

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def no_torch():
    done = subprocess.run(["/usr/bin/python3", "-c", "import functorch, torch"], capture_output=True, text=True, check=False)
    return "PyTorch is not installed (apt-get install python3-torch): relin alone" if done.returncode else None


# --- relin beside PyTorch ---

def check(torch):
    """The same numbers in, the same losses and kernels out."""
    ours = relin(["--architecture", ",".join(NETWORKS), "--engine", "standard", "--rounds", "1", "--check"])["networks"]
    for name, theirs in NETWORKS.items():
        told, own = torch.ask(check=theirs), ours[name]["check"]
        sizes = torch_bench.sizes(theirs)
        if not torch_bench.same_check(told, own) or told["parameters"] != ours[name]["parameters"] \
           or not math.isclose(sizes["standard_flops"], ours[name]["engines"]["standard"]["flops"], rel_tol=1e-6):
            raise RuntimeError(f"{name}: the two do not do the same: {told}, {sizes}, {ours[name]}")
    return "the same parameters, flops, losses and kernels"


def medians(told):
    """Of several answers of relin: by network and work, each figure's median."""
    out = {}
    for name in NETWORKS:
        out[name] = {}
        for work in WORK:
            lines = [t["networks"][name]["ntk" if work == "full" else "engines"].get(work) for t in told
                     if name in t["networks"] and (work != "full" or "ntk" in t["networks"][name])]
            lines = [line for line in lines if line]
            if lines:
                out[name][work] = {key: statistics.median(line[key] for line in lines)
                                   for key in ("seconds", "cpu_seconds", "flops_per_second", "share_of_gemm")}
    return out


def beside(threads, pin, rounds, kernels):
    """Rounds of both, in turns; of kernels fewer, for they take a minute."""
    reason = no_torch()
    torch, told = None if reason else Torch(threads, pin), []
    out = {"threads": threads, "pinned": pin, "load": os.getloadavg()[0]}
    try:
        if torch and threads == 1 and not pin:
            out["check"] = check(torch)
        for i in range(max(rounds, kernels)):
            for work in ("steps", "full"):
                if i >= (kernels if work == "full" else rounds):
                    continue
                told.append(relin(["--architecture", ",".join(NETWORKS), "--rounds", "1",
                                   *(["--engine", "none", "--ntk"] if work == "full" else ["--engine", "standard,tangent"])],
                                  threads, pin))
                for name in NETWORKS.values() if torch else ():
                    for kind in ("ntk",) if work == "full" else ("standard", "linearised"):
                        torch.ask(network=name, work=kind)
        out["torch"] = {**torch.about, "networks": torch.ask(tell=True)} if torch else {"skipped": reason}
    finally:
        if torch:
            torch.close()
    out["relin"] = {"blas_core": told[0]["blas_core"],
                    **{key: statistics.median(t[key] for t in told) for key in ("gemm_flops_per_second", "dgemm_flops_per_second",
                                                                                "triad_bytes_per_second")},
                    "networks": medians(told)}
    out["rows"] = rows_of(out)
    return out


def rows_of(out):
    """One line for each network and work: both programs and their ratio."""
    rows = []
    for name in NETWORKS:
        for work, kind in WORK.items():
            ours = out["relin"]["networks"][name].get(work)
            theirs = out["torch"].get("networks", {}).get(NETWORKS[name], {}).get(kind)
            if ours:
                row = {"network": name, "work": work, "relin": ours, "torch": theirs}
                if theirs:
                    row.update(times=theirs["seconds"] / ours["seconds"], times_by_cpu=theirs["cpu_seconds"] / ours["cpu_seconds"])
                if out["threads"] == 1 and not out["pinned"]:
                    row.update(target=TARGETS[name, work], share_target=SHARE_TARGET.get((name, work)))
                rows.append(row)
                theirs = out["torch"].get("networks", {}).get(NETWORKS[name], {}).get(f"{kind}_double")
                if theirs:   # both in double: no target speaks of it
                    rows.append({"network": name, "work": f"{work}, double", "relin": ours, "torch": theirs,
                                 "times": theirs["seconds"] / ours["seconds"],
                                 "times_by_cpu": theirs["cpu_seconds"] / ours["cpu_seconds"]})
    return rows


# --- growth ---

def exponent(points):
    """Least squares in logarithms; NaN of fewer than two."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len(logs) < 2:
        return float("nan")
    mx, my = (statistics.fmean(v) for v in zip(*logs))
    return sum((x - mx) * (y - my) for x, y in logs) / sum((x - mx) ** 2 for x, y in logs)


def engine(name, key="cpu_seconds"):
    return lambda told: (told["networks"]["mlp"]["engines"][name][key], told["networks"]["mlp"]["engines"][name]["flops"])


def kernel(mode):
    return lambda told: (told["networks"]["mlp"]["ntk"][mode]["cpu_seconds"], told["networks"]["mlp"]["ntk"][mode]["flops"])


# What grows, with what, the options that say so, and the figure: (seconds, flops).
GROWTH = [
    ("standard step", "width", [256, 512, 1024, 2048], lambda v: ["--engine=standard", f"--width={v}"], engine("standard")),
    ("tangent step", "width", [256, 512, 1024, 2048], lambda v: ["--engine=tangent", f"--width={v}"], engine("tangent")),
    ("standard step", "depth", [2, 4, 8, 16], lambda v: ["--engine=standard", f"--depth={v}"], engine("standard")),
    ("tangent step", "depth", [2, 4, 8, 16], lambda v: ["--engine=tangent", f"--depth={v}"], engine("tangent")),
    ("kernel, full", "N", [64, 128, 256], lambda v: ["--engine=none", "--ntk", f"--inputs={v}"], kernel("full")),
    ("kernel, trace", "N", [64, 128, 256], lambda v: ["--engine=none", "--ntk", f"--inputs={v}"], kernel("trace")),
    ("kernel engine, step", "N", [128, 256, 512], lambda v: ["--engine=kernel", f"--rows={v}"], engine("kernel")),
    ("filter, segment", "N", [128, 256, 512], lambda v: ["--engine=filter", f"--rows={v}"], engine("filter")),
    ("Gauss-Newton, step", "N", [128, 256, 512], lambda v: ["--engine=gauss-newton", f"--rows={v}"], engine("gauss-newton")),
    ("filter, segment", "K", [1000, 10000, 100000, 1000000], lambda v: ["--engine=filter", "--rows=128", f"--steps={v}"], engine("filter")),
]


def growth(rounds):
    out = []
    for what, variable, values, options, figure in GROWTH:
        points = [(v, *figure(relin(["--architecture=mlp", f"--rounds={rounds}", *options(v)]))) for v in values]
        out.append({"what": what, "variable": variable, "values": values, "seconds": [p[1] for p in points],
                    "exponent": exponent([(v, t) for v, t, _ in points]), "expected": exponent([(v, f) for v, _, f in points])})
        note(f"growth: {what} with {variable}: {out[-1]['exponent']:.2f}, by its flops {out[-1]['expected']:.2f}")
    return out


@contextlib.contextmanager
def in_farm():
    """The functions of farm.py, with this build and in a folder of their own."""
    farm.BUILD, farm.RELIN, farm.ENV = BUILD, f"{BUILD}/relin", farm.environment()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        try:
            yield
        finally:
            os.chdir("/")


def farm_growth(quick):
    """Jobs and ranks: whole empty jobs by their number, and rank 0's work a row by the number of workers."""
    out = []
    with in_farm():
        start = statistics.median(farm.with_relin(1)[1] for _ in range(3))
        values = [250, 500, 1000] if quick else [500, 1000, 2000, 4000]
        seconds = [farm.with_relin(n)[1] - start for n in values]
        out.append({"what": "empty jobs, processor time beside the start's", "variable": "jobs", "values": values, "seconds": seconds,
                    "exponent": exponent(list(zip(values, seconds))), "expected": 1})
        rows = json.loads(farm.run([f"{BUILD}/bench/scale"])[2])["rank_0_us_per_row"]
        values, seconds = [int(n) for n in rows], [1e-6 * t for t in rows.values()]
        out.append({"what": "rank 0, a row", "variable": "ranks", "values": values, "seconds": seconds,
                    "exponent": exponent(list(zip(values, seconds))), "expected": 0})
    return out


def sweep():
    """48 jobs of about a second, on one rank and on two."""
    out = {}
    with in_farm():
        for ranks in (1, 2):
            farm.run(farm.mpirun(ranks, farm.RELIN, "run", os.path.join(farm.ROOT, "tests/sweeps/second.yaml"), "grid.seed=0..47",
                                 "-o", f"e{ranks}.h5"), 600)
            rows = farm.file_of(f"e{ranks}.h5")
            begin, wall = rows["start_time"], rows["wall_seconds"]
            out[f"makespan_{ranks}"] = float((begin + wall).max() - begin.min())
            out[f"efficiency_{ranks}"] = float(wall.sum() / (ranks * out[f"makespan_{ranks}"]))
            out[f"job_cpu_seconds_{ranks}"] = float(statistics.median(rows["cpu_seconds"]))
    # what two undisturbed cores would gain: how busy the two were, and what a job costs more beside another
    by_cpu = 2 * out["efficiency_2"] * out["job_cpu_seconds_1"] / out["job_cpu_seconds_2"]
    return {**out, "times": out["makespan_1"] / out["makespan_2"], "times_by_cpu": by_cpu, "target": 1.9}


# --- what is told ---

def step(name, what, *arguments):
    start = time.monotonic()
    try:
        answer = what(*arguments)
    except (RuntimeError, subprocess.TimeoutExpired, OSError, ImportError, KeyError, ValueError) as failure:
        answer = {"skipped": str(failure)}
        note(f"{name}: {failure}")
    note(f"{name}: {time.monotonic() - start:.0f} s, load {os.getloadavg()[0]:.1f}")
    return answer


def keep(output):
    """What there is so far: a run takes a quarter of an hour."""
    if output:
        with open(output, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
            file.write("\n")


def show_beside(one):
    pin, threads = one["pinned"], one["threads"]
    ours, theirs = one["relin"], one["torch"]
    print(f"\n{threads} thread{'s'[:threads > 1]}, OPENBLAS_CORETYPE{'=' + pin if pin else ' unset'}: relin's kernels {ours['blas_core']}, "
          f"SGEMM {ours['gemm_flops_per_second'] / 1e9:.0f} GFLOP/s, DGEMM {ours['dgemm_flops_per_second'] / 1e9:.0f}; "
          + (theirs["skipped"] if "skipped" in theirs else
             f"PyTorch {theirs['torch']}, kernels {theirs['blas_core']}, SGEMM {theirs['gemm_flops_per_second'] / 1e9:.0f}"))
    print(f"{'':20} {'relin ms':>10} {'GFLOP/s':>8} {'of GEMM':>8} {'torch ms':>10} {'ratio':>6} {'by CPU':>6}  wanted   PyTorch's way")
    for row in one["rows"]:
        r, t = row["relin"], row["torch"]
        name = "ntk, full" if row["work"] == "full" else row["work"]
        line = f"{row['network']:5} {name:14} {1e3 * r['seconds']:10.2f} {r['flops_per_second'] / 1e9:8.1f} {100 * r['share_of_gemm']:7.1f}%"
        if t:
            line += f" {1e3 * t['seconds']:10.2f} {row['times']:6.2f} " + (f"{row['times_by_cpu']:6.2f}" if threads == 1 else ' ' * 6)
        else:
            line += " " * 25
        if "target" in row:
            share = row.get("share_target")
            met = (not t or row["times"] >= row["target"]) and (not share or r["share_of_gemm"] >= share)
            line += f"  {row['target']:g}x{f' and {100 * share:g} %' if share else ''}{'' if met else ' MISSED'}"
        print(f"{line}   {t['way'] if t else ''}")


def show_all(told):
    print(f"\nrelin, {told['threads']} thread(s), medians of {told['rounds']} rounds; SGEMM {told['gemm_flops_per_second'] / 1e9:.0f} GFLOP/s, "
          f"DGEMM {told['dgemm_flops_per_second'] / 1e9:.0f}, memory {told['bandwidth_bytes_per_second'] / 1e9:.1f} GB/s")
    for name, network in told["networks"].items():
        lines = [*network["engines"].items(), *((f"ntk {mode}", t) for mode, t in network.get("ntk", {}).items() if mode != "inputs")]
        for what, t in lines:
            extra = f"  {100 * t['share_of_bandwidth']:.0f} % of the bandwidth" if "share_of_bandwidth" in t else ""
            extra += f"  {t['products']:.0f} products" if "products" in t else ""
            if "forming_seconds" in t:
                extra += f"  Theta formed in {1e3 * t['forming_seconds']:.0f} ms, {100 * t['forming_share_of_dgemm']:.0f} % of DGEMM"
            print(f"{name:8} {what:18} {1e3 * t['seconds']:10.2f} ms {t['flops_per_second'] / 1e9:8.1f} GFLOP/s {100 * t['share_of_gemm']:6.1f} %{extra}")


def show():
    print(f"machine: {results['machine']}")
    for one in results.get("beside", []):
        show_beside(one) if "rows" in one else print(f"skipped: {one['skipped']}")
    for told in results.get("all", []):
        show_all(told) if "networks" in told else print(f"skipped: {told['skipped']}")
    told = results.get("growth", [])
    if told:
        print(f"\n{'growth of':48} {'with':6} {'fitted':>7} {'expected':>9}   (of the mlp expected: what its flops do)")
    for g in told:
        print(f"{g['what']:48} {g['variable']:6} {g['exponent']:7.2f} {g['expected']:9.2f}   "
              + ", ".join(f"{v}: {1e3 * t:.3g} ms" for v, t in zip(g["values"], g["seconds"])))
    if "times" in results.get("sweep", {}):
        s = results["sweep"]
        print(f"\n48 jobs of {s['job_cpu_seconds_1']:.2f} s: {s['makespan_1']:.1f} s on one rank, {s['makespan_2']:.1f} s on two: "
              f"{s['times']:.2f}x, {s['times_by_cpu']:.2f}x by processor time and how busy both were (wanted: {s['target']})")


def measure(given, parts, output):
    rounds = given.rounds or (3 if given.quick else 9)
    if "beside" in parts:
        results["beside"] = []
        for pin in (None if p == "unset" else p for p in given.pins.split(",")):
            for threads in dict.fromkeys(int(t) for t in given.threads.split(",")):
                kernels = 0 if given.quick or given.kernels == 0 else given.kernels if not pin and threads == 1 else 1
                results["beside"].append(step(f"beside PyTorch, {threads} thread(s), {pin or 'unpinned'}", beside, threads, pin,
                                              rounds if not pin else (rounds + 1) // 2, kernels))
                keep(output)
    if "all" in parts:
        few = ["--engine=all", "--architecture=all"] if given.quick else ["--all"]
        results["all"] = [step(f"every architecture, {threads} thread(s)", relin, [*few, f"--rounds={1 if given.quick else 3}"], threads)
                          for threads in dict.fromkeys(int(t) for t in given.threads.split(","))]
    if "growth" in parts:
        told = [step("growth", growth, 1 if given.quick else 3), step("growth of the farm", farm_growth, given.quick)]
        results["growth"] = [g for part in told if isinstance(part, list) for g in part]
    if "sweep" in parts and not given.quick:
        results["sweep"] = step("48 jobs", sweep)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build")
    options.add_argument("--json", help="raw figures")
    options.add_argument("--quick", action="store_true", help="fewer rounds, and no kernels beside PyTorch")
    options.add_argument("--rounds", type=int, help="of steps (default 9)")
    options.add_argument("--kernels", type=int, default=3, help="rounds of kernels beside PyTorch, which take minutes (default 3)")
    options.add_argument("--threads", default=f"1,{CORES}", help="numbers of threads (default 1 and all cores)")
    options.add_argument("--pins", default="unset,Haswell", help="values of OPENBLAS_CORETYPE (default unset,Haswell)")
    options.add_argument("--only", default="beside,all,growth,sweep")
    given = options.parse_args()
    global BUILD
    BUILD, output = os.path.realpath(given.build), os.path.abspath(given.json) if given.json else None
    results["machine"] = farm.machine()
    measure(given, given.only.split(","), output)
    results["load_after"] = os.getloadavg()[0]
    show()
    keep(output)


if __name__ == "__main__":
    main()
