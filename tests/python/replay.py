"""Replays a trace with numpy, from method.md alone: every loss, the final parameters, the outputs of
both read-outs, the kernels, and what --at wrote.

    replay.py [--tolerance X] t.h5...     default 1e-10 (double), 2e-4 (single)

Every architecture (networks.py). Nothing of relin is used but the file; all arithmetic is in double. A long run in single
precision, of a deep ReLU network most of all, amplifies its rounding beyond any tolerance: replay the same
job with training.precision=double.
"""
import json
import sys

import h5py
import numpy as np

from networks import Network


def network(file, config):
    """The job's network, its tensors at their places in theta."""
    parameters, rows = file["parameters"], file["data/train_x"].shape[1:]
    net = Network(config, rows, file["data/train_y"].shape[1])
    net.bind({name: (offset, size, shape[shape > 0]) for name, offset, size, shape in
              zip(parameters["name"].asstr(), parameters["offset"], parameters["size"], parameters["shape"][:])})
    return net


def jacobian_of(net, theta, x):
    """(n, C, P)"""
    rows = []
    for i in range(len(x)):
        f, tape = net.forward(theta, x[i:i + 1])
        rows.append(np.stack([net.vjp(theta, tape, np.eye(f.shape[1])[c:c + 1]) for c in range(f.shape[1])]))
    return np.stack(rows)


def kernel_of(net, theta, x, mode):
    """From the Jacobian itself: (1/C) sum_c J_c J_c^T; all of J J^T; (1/C) of the sum of logits'."""
    jacobian = jacobian_of(net, theta, x)
    n, outputs, _ = jacobian.shape
    if mode == "full":
        return np.einsum("icp,jdp->icjd", jacobian, jacobian).reshape(n * outputs, n * outputs)
    if mode == "sum_of_logits":
        jacobian = jacobian.sum(1, keepdims=True)
    return np.einsum("icp,jcp->ij", jacobian, jacobian) / outputs


def softmax(f):
    e = np.exp(f - f.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def loss_and_gradient(kind, f, y):
    if kind == "half-mse":
        return ((f - y) ** 2).sum() / (2 * len(f)), (f - y) / len(f)
    assert kind == "cross-entropy", f"unknown loss {kind}"
    shifted = f - f.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -(log_p * y).sum() / len(f), (softmax(f) - y) / len(f)


def settings(file):
    """What a replay needs of /config."""
    job = json.loads(file["config"].attrs["resolved"])
    training = job["training"]
    chosen = {key: training[key] for key in ("trainer", "damping", "loss", "momentum", "momentum_at_refresh",
                                             "weight_decay", "centred", "precision", "steps")}
    chosen["architecture"] = job["architecture"]
    chosen["mode"] = job["kernels"]["mode"]
    return chosen


def augmented(x, draws):
    """Images (n, channels, height, width) moved down and right, zeros coming in, then mirrored."""
    out = np.zeros_like(x)
    height, width = x.shape[2:]
    for image, moved, (down, right, flip) in zip(x, out, draws):
        rows = slice(max(down, 0), height + min(down, 0)), slice(max(-down, 0), height + min(-down, 0))
        columns = slice(max(right, 0), width + min(right, 0)), slice(max(-right, 0), width + min(-right, 0))
        moved[:, rows[0], columns[0]] = image[:, rows[1], columns[1]]
        if flip:
            moved[:] = moved[:, :, ::-1].copy()
    return out


class Replay:
    def __init__(self, file):
        self.file, self.config = file, settings(file)
        self.double = self.config["precision"] == "double"
        self.net = network(file, self.config["architecture"])
        self.x, self.y = file["data/train_x"][:].astype(float), file["data/train_y"][:].astype(float)
        self.theta0 = file["parameters/theta0"][:].astype(float)
        self.worst = 0.0

    def expect(self, what, found, recorded):
        found, recorded = np.asarray(found, float), np.asarray(recorded, float)
        assert found.shape == recorded.shape, f"{what}: replayed {found.shape}, recorded {recorded.shape}"
        scale = max(np.abs(recorded).max(initial=0), 1e-3)
        error = np.abs(found - recorded).max(initial=0) / scale
        self.worst = max(self.worst, error)
        assert error <= self.tolerance, f"{what}: differs by {error:.2e} of its largest value, allowed {self.tolerance:.0e}"

    def f_lin(self, x, theta_s, delta):
        f, tape = self.net.forward(theta_s, x)
        f = f + self.net.jvp(theta_s, tape, delta)
        return f - (self.net.forward(self.theta0, x)[0] if self.config["centred"] else 0), tape

    def gauss_newton(self, theta, f, g, lr):
        """(J^T H J + nu)^-1 (J^T g + N lambda theta), H and g of the summed loss, nu = mu + N lambda, through
        the matrix of outputs; and what multiplies it."""
        n, c = f.shape
        tied = self.config["damping"] == "tied"
        mu = n * (1 - self.config["momentum"]) / lr if tied else self.config["damping"]
        decay, jacobian = n * self.config["weight_decay"], jacobian_of(self.net, theta, self.x).reshape(n * c, -1)
        if mu + decay == 0:     # the step of least norm
            assert self.config["loss"] == "half-mse", "no replay of cross-entropy without damping"
            return np.linalg.lstsq(jacobian, n * g.ravel(), rcond=None)[0], lr
        hessian = np.eye(n * c)
        if self.config["loss"] == "cross-entropy":
            for i, p in enumerate(softmax(f)):
                hessian[i * c:i * c + c, i * c:i * c + c] = np.diag(p) - np.outer(p, p)
        right = jacobian.T @ (n * g.ravel()) + decay * theta
        inner = np.linalg.solve(hessian @ jacobian @ jacobian.T + (mu + decay) * np.eye(n * c), hessian @ (jacobian @ right))
        return (right - jacobian.T @ inner) / (mu + decay), 1.0 if tied else lr

    def run(self, tolerance):
        self.tolerance = tolerance or (1e-10 if self.double else 2e-4)
        steps, config = self.file["steps"], self.config
        lr, refresh, batches = steps["lr"][:], steps["refresh"][:], steps.get("batch")
        theta, theta_s, v = self.theta0.copy(), self.theta0.copy(), np.zeros_like(self.theta0)
        losses = []
        self.diverged = "final" not in self.file
        assert self.diverged or len(lr) == config["steps"], f"expected {config['steps']} steps, the trace has {len(lr)}"
        for t in range(len(lr)):
            self.look(t, theta)
            if refresh[t]:
                theta_s = theta.copy()
                if t and config["momentum_at_refresh"] == "reset":
                    v[:] = 0
            rows = np.arange(len(self.x)) if batches is None else batches[t][batches[t] >= 0]
            x = self.x[rows]
            if "augment" in steps:
                x = augmented(x, steps["augment"][t][:len(rows)])
            f, tape = self.f_lin(x, theta_s, theta - theta_s)
            loss, g = loss_and_gradient(config["loss"], f, self.y[rows])
            losses.append(loss)
            if config["trainer"] == "gauss-newton":
                step, scale = self.gauss_newton(theta, f, g, lr[t])
                theta = theta - scale * step
                continue
            v = config["momentum"] * v + self.net.vjp(theta_s, tape, g) + config["weight_decay"] * theta
            theta = theta - lr[t] * v
        self.look(len(lr), theta)
        assert not len(lr) or refresh[0] == 1, "the first step has no linearisation point"
        self.refreshes = int(refresh.sum()) - 1 if len(lr) else 0
        if self.diverged:      # losses of all sizes, and no end to compare
            return self.expect("log /steps/loss", np.log(losses), np.log(steps["loss"][:]))
        self.expect("/steps/loss", losses, steps["loss"][:])
        self.expect("/parameters/theta", theta - self.theta0, self.file["parameters/theta"][:].astype(float) - self.theta0)
        self.outputs(theta, theta_s)

    def outputs(self, theta, theta_s):
        for part in ("train", "test"):
            x = self.file[f"data/{part}_x"][:].astype(float)
            centre = self.net.forward(self.theta0, x)[0] if self.config["centred"] else 0
            self.expect(f"/final/{part}_f", self.net.forward(theta, x)[0] - centre, self.file[f"final/{part}_f"][:])
            at_one = self.file["steps/refresh"][:].all()       # K = 1: the model is the network
            f_lin = self.net.forward(theta, x)[0] - centre if at_one else self.f_lin(x, theta_s, theta - theta_s)[0]
            self.expect(f"/final/{part}_f_lin", f_lin, self.file[f"final/{part}_f_lin"][:])

    def look(self, t, theta):
        """Kernels at their steps, and what --at wrote: before the step."""
        probe = self.file["probe/x"][:].astype(float)
        if "kernels" in self.file:
            for i in np.flatnonzero(self.file["kernels/step"][:] == t):
                self.expect(f"/kernels/kernel[{i}]", kernel_of(self.net, theta, probe, self.config["mode"]),
                            self.file["kernels/kernel"][i])
        if "at" in self.file and self.file["at/step"][()] == t:
            at = self.file["at"]
            self.expect("/at/theta", theta, at["theta"][:])
            f, tape = self.net.forward(theta, probe)
            values = [value.reshape(len(value), -1) for value in tape]
            values[0] = probe.reshape(len(probe), -1)      # as the data set has it
            recorded = sorted((name for name in at if name.startswith("layer")), key=lambda name: int(name[5:]))
            assert len(recorded) == len(values), f"/at: expected {len(values)} layers, got {len(recorded)}"
            for name, value in zip(recorded, values):
                self.expect(f"/at/{name}", value, at[name][:])


def main():
    arguments, tolerance = sys.argv[1:], None
    if arguments[:1] == ["--tolerance"]:
        tolerance, arguments = float(arguments[1]), arguments[2:]
    for path in arguments:
        with h5py.File(path) as file:
            replay = Replay(file)
            try:
                replay.run(tolerance)
            except AssertionError as reason:
                sys.exit(f"{path}: {reason}")
            print(f"{path}: {len(file['steps/lr'])} steps{', diverged' if replay.diverged else ''}, {replay.refreshes} "
                  f"refreshes replayed; largest difference {replay.worst:.1e} of {replay.tolerance:.0e}")


if __name__ == "__main__":
    main()
