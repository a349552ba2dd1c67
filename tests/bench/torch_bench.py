#!/usr/bin/python3
"""PyTorch at the work of `relin bench`: what the numeric core is compared with (make bench, tests/bench/core.py).

    tests/bench/torch_bench.py [--network dense|cnn|all] [--work standard,linearised,ntk] [--rounds N] [--threads N,M]
    tests/bench/torch_bench.py --serve --threads N          one job a line on stdin, one JSON object a line on stdout

Two networks: dense 784-512-512-10, and cnn: three stages of one 3x3 convolution each (32, 64, 64 channels), 2x2 maximum
pools after the first two, average over the image, 32x32x3. relu, half-MSE, biases, batches of 128, single precision.

    standard     loss, backward, SGD without momentum
    linearised   f_lin = f(theta_s) + J (theta - theta_s), gradient J^T dL/df at f_lin, SGD; theta_s stays where it is
    ntk          (256 inputs x 10 outputs)^2, all of it, by functorch's Jacobian contraction; ntk_double: likewise, in relin's precision

All tensors are loaded before, a batch is a view, and there is no Python beside the loop that anybody writes. Each kind of
work is done in every way that is listed under it, in turns, and in those that are not far behind again and again; what is told is
the way with the smallest median. Parameters and
inputs are relin's own (`fill`), so that both say the same losses, and the same trace and norm of the kernel: "check".
"""
import argparse
import ctypes
import json
import os
import signal
import statistics
import subprocess
import sys
import time

BATCH, ROWS, PROBE, LR, WARMUP = 128, 1024, 256, 1e-4, 2
STEPS = {"dense": 16, "cnn": 4}   # of a round
BLOCK = 64   # inputs whose Jacobian is taken at a time: all of a dense network would be 7 GB at once
BEATEN = 1.3   # ways that took so many times the fastest one's processor time so far are not tried again
CHECK_STEPS, CHECK_INPUTS = 4, 8
# Tensors in relin's order and layout: (out, in) and (out, height, width, in), each followed by its bias.
NETWORKS = {
    "dense": {"input": (784,), "weights": [(512, 784), (512, 512), (10, 512)]},
    "cnn": {"input": (3, 32, 32), "weights": [(32, 3, 3, 3), (64, 3, 3, 32), (64, 3, 3, 64), (10, 64)],
            "places": [32 * 32, 16 * 16, 8 * 8, 1]},
}
WORK = ("standard", "linearised", "ntk")
DOUBLE_NTK = ("cnn",)   # in relin's precision too; of the dense network that would be 14 GB


def why_not():
    try:
        import functorch, torch  # noqa: F401
    except ImportError as error:
        return f"PyTorch is not installed (apt-get install python3-torch): {error}"
    return None


# --- the same numbers as relin's ---

def hashed(first, n):
    """As relin bench has them: Murmur3's finaliser of first, first + 1, ..."""
    import numpy as np
    h = np.arange(first, first + n, dtype=np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85ebca6b)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xc2b2ae35)
    return h ^ (h >> np.uint32(16))


def fill(network):
    """theta, a list of tensors as torch has them; x (ROWS, ...); y (ROWS, 10), one-hot. In double."""
    import numpy as np
    import torch
    theta, at = [], 0x10000000
    for shape in NETWORKS[network]["weights"]:
        fan_in = int(np.prod(shape[1:]))
        for size, shape_of, scale in ((shape[0] * fan_in, shape, np.sqrt(6 / fan_in)), (shape[0], shape[:1], 0.1)):
            values = torch.from_numpy((hashed(at, size) / 2.0 ** 31 - 1) * scale).reshape(shape_of)
            theta.append(values.permute(0, 3, 1, 2).contiguous() if values.dim() == 4 else values)
            at += size
    shape = NETWORKS[network]["input"]
    bytes_of = (hashed(0, ROWS * int(np.prod(shape))) >> 24).astype(float)
    x = torch.from_numpy((bytes_of / 255 - 0.5) * 3.4).reshape(ROWS, *shape)
    return theta, x, torch.eye(10, dtype=torch.float64)[torch.arange(ROWS) % 10]


def sizes(network):
    """Parameters, and flops of a standard step by relin's formula: 2 B (2 P_first + 3 P_rest), P times the places."""
    import numpy as np
    spec = NETWORKS[network]
    adds = [int(np.prod(w)) * n for w, n in zip(spec["weights"], spec.get("places", [1] * 9))]
    return {"parameters": sum(int(np.prod(w)) + w[0] for w in spec["weights"]),
            "standard_flops": 2.0 * BATCH * (2 * adds[0] + 3 * sum(adds[1:]))}


# --- the networks ---

def forward(theta, x):
    import torch.nn.functional as F
    if theta[0].dim() == 2:
        for w, b in zip(theta[0:4:2], theta[1:4:2]):
            x = F.relu(F.linear(x, w, b))
        return F.linear(x, theta[4], theta[5])
    for i in range(3):
        x = F.relu(F.conv2d(x, theta[2 * i], theta[2 * i + 1], padding=1))
        x = F.max_pool2d(x, 2) if i < 2 else x.mean((2, 3))
    return F.linear(x, theta[6], theta[7])


def half_mse(f, y):
    return ((f - y) ** 2).sum() * (0.5 / len(y))


# --- ways to do the work: each is made with theta, x, y and answers a function step(x, y) -> loss ---

def sgd(theta, foreach):
    import torch
    theta = [t.clone().requires_grad_() for t in theta]
    optimiser = torch.optim.SGD(theta, lr=LR, foreach=foreach)

    def step(x, y):
        optimiser.zero_grad(set_to_none=True)
        loss = half_mse(forward(theta, x), y)
        loss.backward()
        optimiser.step()
        return loss
    return step


def moved(delta, gradient):
    import torch
    torch._foreach_add_(delta, gradient, alpha=-LR)


def by_functorch(theta, _):
    """J delta by functorch.jvp, J^T g by functorch.vjp."""
    import functorch
    import torch
    theta, delta = tuple(theta), [torch.zeros_like(t) for t in theta]

    def step(x, y):
        f, df = functorch.jvp(lambda *t: forward(t, x), theta, tuple(delta))
        g = (f + df - y) / len(y)
        _, vjp = functorch.vjp(lambda *t: forward(t, x), *theta)
        moved(delta, vjp(g))
        return half_mse(f + df, y)
    return step


def by_functorch_once(theta, _):
    """functorch.vjp first, whose forward pass gives f, then functorch.jvp."""
    import functorch
    import torch
    theta, delta = tuple(theta), [torch.zeros_like(t) for t in theta]

    def step(x, y):
        f, vjp = functorch.vjp(lambda *t: forward(t, x), *theta)
        _, df = functorch.jvp(lambda *t: forward(t, x), theta, tuple(delta))
        loss, g = half_mse(f + df, y), (f + df - y) / len(y)
        moved(delta, vjp(g))
        return loss
    return step


def by_forward_ad(theta, _):
    """One forward pass with dual numbers, then backward through its primal."""
    import torch
    import torch.autograd.forward_ad as fwad
    theta = [t.clone().requires_grad_() for t in theta]
    delta = [torch.zeros_like(t) for t in theta]

    def step(x, y):
        with fwad.dual_level():
            f, df = fwad.unpack_dual(forward([fwad.make_dual(t, d) for t, d in zip(theta, delta)], x))
            f_lin = f.detach() + df.detach()
            gradient = torch.autograd.grad(f, theta, (f_lin - y) / len(y))
        moved(delta, gradient)
        return half_mse(f_lin, y)
    return step


def by_backward_of_tangent(theta, _):
    """The same, but backward through the tangent, by delta: the network at theta_s needs no graph of its own."""
    import torch
    import torch.autograd.forward_ad as fwad
    delta = [torch.zeros_like(t).requires_grad_() for t in theta]

    def step(x, y):
        with fwad.dual_level():
            f, df = fwad.unpack_dual(forward([fwad.make_dual(t, d) for t, d in zip(theta, delta)], x))
            loss = half_mse(f + df, y)
            gradient = torch.autograd.grad(loss, delta)
        with torch.no_grad():
            moved(delta, gradient)
        return loss
    return step


WAYS = {
    "standard": {"optim.SGD": lambda theta, _: sgd(theta, False), "optim.SGD, foreach": lambda theta, _: sgd(theta, True)},
    "linearised": {"functorch jvp, vjp": by_functorch, "functorch vjp, jvp": by_functorch_once,
                   "forward AD, backward of f": by_forward_ad, "forward AD, backward of the tangent": by_backward_of_tangent},
}


def jacobian(theta, x):
    """Of each parameter tensor (n * 10, its size)."""
    from functorch import jacrev, vmap
    n = len(theta)
    rows = vmap(jacrev(lambda *t: forward(t[:n], t[n][None])[0], argnums=tuple(range(n))), (None,) * n + (0,))(*theta, x)
    return [j.reshape(len(x) * 10, -1) for j in rows]


def kernel(theta, x, block):
    """sum over tensors of J J^T, J of all inputs; a block of inputs at a time, as the memory wants it."""
    import torch
    parts = [jacobian(theta, part) for part in x.split(block)]
    return torch.cat([torch.cat([sum(a @ b.T for a, b in zip(left, right)) for right in parts], 1) for left in parts])


# --- measuring ---

def now():
    return time.perf_counter(), time.process_time()


def since(start):
    return tuple(b - a for a, b in zip(start, now()))


class Bench:
    """One process, one number of threads; samples of all ways since the last reset."""

    def __init__(self, threads):
        import torch
        torch.set_num_threads(threads)
        self.threads, self.data = threads, {}

    def of(self, network):
        if network not in self.data:
            import torch
            theta, x, y = fill(network)
            theta, x, y = [t.float() for t in theta], x.float(), y.float()
            data = {"plain": (theta, x, y)}
            if network == "cnn":   # oneDNN may like the channels last
                last = [t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t for t in theta]
                data["channels last"] = (last, x.contiguous(memory_format=torch.channels_last), y)
            steps = {(work, f"{way}, {layout}" if layout != "plain" else way): (make(data[layout][0], None), layout)
                     for work in WAYS for way, make in WAYS[work].items() for layout in data}
            self.data[network] = {"data": data, "steps": steps, "samples": {}}
        return self.data[network]

    def round(self, network, work):
        """One round of every way; wall and processor time of each step are kept."""
        import torch
        of = self.of(network)
        if work == "ntk":
            theta, x, _ = of["data"]["plain"]
            with torch.no_grad():
                start = now()
                kernel(theta, x[:PROBE], BLOCK)
                of["samples"].setdefault(("ntk", f"jacrev, vmap over {BLOCK}"), []).append(since(start))
                if network in DOUBLE_NTK:
                    theta, x = [t.double() for t in theta], x[:PROBE].double()
                    start = now()
                    kernel(theta, x, BLOCK)
                    of["samples"].setdefault(("ntk_double", f"jacrev, vmap over {BLOCK}"), []).append(since(start))
            return
        medians = {way: statistics.median(cpu for _, cpu in s) for (kind, way), s in of["samples"].items() if kind == work}
        for (kind, way), (step, layout) in of["steps"].items():
            if kind != work or medians.get(way, 0) > BEATEN * min(medians.values(), default=0):
                continue
            _, x, y = of["data"][layout]
            samples = of["samples"].setdefault((kind, way), [])
            for i in range(WARMUP + STEPS[network]):
                first = i * BATCH % ROWS
                start = now()
                step(x[first:first + BATCH], y[first:first + BATCH])
                if i >= WARMUP:
                    samples.append(since(start))

    def told(self):
        """Of each network and kind of work the fastest way, and the medians of all."""
        out = {}
        for network, of in self.data.items():
            out[network] = dict(sizes(network))
            for work in (*WORK, "ntk_double"):
                ways = {way: [statistics.median(t) for t in zip(*s)] for (kind, way), s in of["samples"].items() if kind == work}
                if ways:
                    best = min(ways, key=ways.get)
                    out[network][work] = {"seconds": ways[best][0], "cpu_seconds": ways[best][1], "way": best,
                                          "samples": len(of["samples"][work, best]),
                                          "ways": {way: {"seconds": t[0], "cpu_seconds": t[1]} for way, t in ways.items()}}
        return out


def check(network, every_way=True):
    """The losses of the first steps of the full batch of BATCH rows, of every way or the first; trace and norm of a small kernel."""
    import torch
    theta, x, y = fill(network)
    theta, x, y = [t.float() for t in theta], x.float(), y.float()
    out = {"parameters": sum(t.numel() for t in theta)}
    for work, ways in WAYS.items():
        losses = {}
        for way, make in list(ways.items())[:None if every_way else 1]:
            step = make(theta, None)
            losses[way] = [float(step(x[:BATCH], y[:BATCH]).detach()) for _ in range(CHECK_STEPS)]
        values = list(losses.values())
        for other in values[1:]:
            assert all(abs(a - b) < 1e-4 * abs(a) for a, b in zip(values[0], other)), f"{network}, {work}: {losses}"
        out[f"{work}_losses"] = values[0]
    with torch.no_grad():
        k = kernel(theta, x[:CHECK_INPUTS], CHECK_INPUTS)
    out.update(kernel_trace=float(k.trace()), kernel_norm=float(k.norm()))
    return out


def same_check(told, ours):
    """Do the losses and the kernel agree, to single precision?"""
    pairs = [*zip(told["standard_losses"], ours["standard_losses"]), *zip(told["linearised_losses"], ours["linearised_losses"]),
             *((told[name], ours[name]) for name in ("kernel_trace", "kernel_norm"))]
    return all(abs(a - b) < 2e-5 * abs(b) for a, b in pairs)


def blas_core():
    """What the BLAS library behind torch.mm chose, where it is OpenBLAS."""
    import torch  # noqa: F401
    for line in open("/proc/self/maps", encoding="utf-8"):
        path = line.split()[-1]
        if "openblas" in path or "libblas.so" in path:
            try:
                name = ctypes.CDLL(path).openblas_get_corename
            except (OSError, AttributeError):
                continue
            name.restype = ctypes.c_char_p
            return name().decode()
    return "unknown"


def gemm(threads, rounds=5, side=2048):
    """As relin's, with one thread by processor time."""
    import torch
    a, b, times = torch.rand(side, side), torch.rand(side, side), []
    for _ in range(rounds + 1):
        start = now()
        a @ b
        times.append(since(start)[threads == 1])
    return 2.0 * side ** 3 / statistics.median(times[1:])


def about(bench):
    import torch
    return {"torch": torch.__version__, "threads": bench.threads, "blas_core": blas_core(),
            "pinned": os.environ.get("OPENBLAS_CORETYPE") or None, "gemm_flops_per_second": gemm(bench.threads)}


def serve(bench):
    """Lines {"network":, "work":} do a round; {"tell": true} answers with all; {"check": network}."""
    print(json.dumps(about(bench)), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "check" in asked:
            answer = check(asked["check"])
        elif "tell" in asked:
            answer = bench.told()
        else:
            bench.round(asked["network"], asked["work"])
            answer = {"done": True}
        print(json.dumps(answer), flush=True)


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)   # PR_SET_PDEATHSIG


def environment(threads, pin=None):
    """OpenBLAS takes its threads from the environment, and its kernels."""
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    env.pop("OPENBLAS_CORETYPE", None)
    if pin:
        env["OPENBLAS_CORETYPE"] = pin
    return env


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--network", default="all", choices=[*NETWORKS, "all"])
    options.add_argument("--work", default=",".join(WORK))
    options.add_argument("--rounds", type=int, default=7, help="of steps; kernels are taken once for every five")
    options.add_argument("--threads", default=f"1,{os.cpu_count()}")
    options.add_argument("--pin", help="OPENBLAS_CORETYPE; else it is unset")
    options.add_argument("--serve", action="store_true")
    given = options.parse_args()
    reason = why_not()
    if reason:
        sys.exit(reason)
    if not os.environ.get("RELIN_TORCH_BENCH"):   # once more, with the environment that the libraries read when they load
        for threads in dict.fromkeys(given.threads.split(",")):
            env = dict(environment(threads, given.pin), RELIN_TORCH_BENCH=threads)
            done = subprocess.run([sys.executable, __file__, *sys.argv[1:]], env=env, check=False, preexec_fn=end_with_parent)
            if done.returncode:
                sys.exit(done.returncode)
        return
    bench = Bench(int(os.environ["RELIN_TORCH_BENCH"]))
    if given.serve:
        serve(bench)
        return
    networks = list(NETWORKS) if given.network == "all" else [given.network]
    out = {**about(bench), "check": {n: check(n) for n in networks}}
    for i in range(given.rounds):
        for network in networks:
            for work in given.work.split(","):
                if work != "ntk" or i % 5 == 0:
                    bench.round(network, work)
    print(json.dumps({**out, **bench.told(), "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()
