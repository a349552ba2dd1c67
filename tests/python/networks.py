"""Every architecture of relin in numpy, from its `architecture` in a job's resolved JSON: values at each
boundary, derivatives along the parameters (jvp) and back to them (vjp). Written from method.md and the papers,
for replay.py. All arithmetic is in double; images are (n, height, width, channels), data is (n, channels,
height, width).

A layer is a function object with forward(P, x), jvp(P, tP, x, tx) and vjp(P, gP, x, dy) -> dx, where P maps the
names of its tensors to views into theta, or into a tangent or a gradient; tx may be 0.
"""
import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])
ACTIVATIONS = {   # phi, phi'
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "erf": (erf, lambda z: 2 / math.sqrt(math.pi) * np.exp(-z * z)),
    "gelu": (lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
             lambda z: (1 + erf(z / math.sqrt(2))) / 2 + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)),
}


class Linear:
    """What a layer without parameters is, by a linear map of x (given x0) and its transpose."""
    parameters = False

    def jvp(self, P, tP, x, tx):
        return self.along(x, tx)

    def vjp(self, P, gP, x, dy):
        return self.back(x, dy)


class Activation(Linear):
    def __init__(self, name):
        self.phi, self.slope = ACTIVATIONS[name]

    def forward(self, P, x):
        return self.phi(x)

    def along(self, x, tx):
        return self.slope(x) * tx

    back = along


class Scale(Linear):
    def __init__(self, scale):
        self.scale = scale

    def forward(self, P, x):
        return self.scale * x

    def along(self, x, tx):
        return self.scale * tx

    back = along


class Transpose(Linear):
    def forward(self, P, x):
        return x.transpose(0, 2, 3, 1)

    def along(self, x, tx):
        return np.transpose(tx, (0, 2, 3, 1)) if np.ndim(tx) else np.zeros(self.forward(None, x).shape)

    def back(self, x, dy):
        return dy.transpose(0, 3, 1, 2)


class Windows:
    """The part of an image that each place (a, b) of a window sees, over all positions of the output."""

    def __init__(self, window, stride, padding):
        self.window, self.stride, self.padding = window, stride, padding

    def side(self, n):
        return (n + 2 * self.padding - self.window) // self.stride + 1

    def places(self, x):
        p, s = self.padding, self.stride
        padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        rows, columns = self.side(x.shape[1]), self.side(x.shape[2])
        for a in range(self.window):
            for b in range(self.window):
                yield (a, b), padded[:, a:a + s * (rows - 1) + 1:s, b:b + s * (columns - 1) + 1:s]

    def put_back(self, shape, pieces):
        n, height, width, channels = shape
        p, s = self.padding, self.stride
        padded = np.zeros((n, height + 2 * p, width + 2 * p, channels))
        rows, columns = self.side(height), self.side(width)
        for (a, b), piece in pieces:
            padded[:, a:a + s * (rows - 1) + 1:s, b:b + s * (columns - 1) + 1:s] += piece
        return padded[:, p:p + height, p:p + width]


class Pool(Linear, Windows):
    def __init__(self, kind, window, stride):
        Windows.__init__(self, window, stride, 0)
        self.kind = kind

    def weights(self, x):
        """(windows' places, ...) of what each place counts."""
        values = np.stack([piece for _, piece in self.places(x)])
        if self.kind == "average":
            return np.full(values.shape, 1 / len(values))
        first = values.argmax(0)[None]
        return (np.arange(len(values)).reshape(-1, 1, 1, 1, 1) == first).astype(float)

    def forward(self, P, x):
        return self.along(x, x)

    def along(self, x, tx):
        tx = np.broadcast_to(tx, x.shape)
        return sum(w * piece for w, (_, piece) in zip(self.weights(x), self.places(tx)))

    def back(self, x, dy):
        order = [(a, b) for a in range(self.window) for b in range(self.window)]
        return self.put_back(x.shape, [(at, w * dy) for at, w in zip(order, self.weights(x))])


class GlobalAverage(Linear):
    def forward(self, P, x):
        return x.mean((1, 2))

    def along(self, x, tx):
        return np.broadcast_to(tx, x.shape).mean((1, 2))

    def back(self, x, dy):
        return np.broadcast_to(dy[:, None, None] / (x.shape[1] * x.shape[2]), x.shape)


class Dense:
    parameters = True

    def __init__(self, outputs, bias, scales):
        self.outputs, self.bias, self.scales = outputs, bias, scales

    def forward(self, P, x):
        x = x.reshape(len(x), -1)
        s, c = self.scales(x.shape[1])
        return s * x @ P["weight"].T + (c * P["bias"] if self.bias else 0)

    def jvp(self, P, tP, x, tx):
        ty = self.forward(tP, x)
        if np.ndim(tx):
            tx = tx.reshape(len(tx), -1)
            ty = ty + self.scales(tx.shape[1])[0] * tx @ P["weight"].T
        return ty

    def vjp(self, P, gP, x, dy):
        flat = x.reshape(len(x), -1)
        s, c = self.scales(flat.shape[1])
        gP["weight"][:] = s * dy.T @ flat
        if self.bias:
            gP["bias"][:] = c * dy.sum(0)
        return (s * dy @ P["weight"]).reshape(x.shape)


class Convolution(Windows):
    parameters = True

    def __init__(self, channels, window, stride, padding, bias, scales):
        Windows.__init__(self, window, stride, (window - 1) // 2 if padding == "same" else padding)
        self.channels, self.bias, self.scales = channels, bias, scales

    def sum(self, weight, x):
        return sum(piece @ weight[:, a, b].T for (a, b), piece in self.places(x))

    def scale(self, x):
        return self.scales(self.window ** 2 * x.shape[3])

    def forward(self, P, x):
        s, c = self.scale(x)
        return s * self.sum(P["weight"], x) + (c * P["bias"] if self.bias else 0)

    def jvp(self, P, tP, x, tx):
        return self.forward(tP, x) + (self.scale(x)[0] * self.sum(P["weight"], tx) if np.ndim(tx) else 0)

    def vjp(self, P, gP, x, dy):
        s, c = self.scale(x)
        for (a, b), piece in self.places(x):
            gP["weight"][:, a, b] = s * np.einsum("nijo,nijc->oc", dy, piece)
        if self.bias:
            gP["bias"][:] = c * dy.sum((0, 1, 2))
        order = [(a, b) for a in range(self.window) for b in range(self.window)]
        return self.put_back(x.shape, [((a, b), s * dy @ P["weight"][:, a, b]) for a, b in order])


class Norm:
    parameters = True

    def __init__(self, groups):
        self.groups = groups

    def grouped(self, x):
        """(n, positions, groups, channels of a group)"""
        return x.reshape(len(x), -1, self.groups, x.shape[-1] // self.groups)

    def moments(self, x):
        g = self.grouped(x)
        mean, scale = g.mean((1, 3), keepdims=True), 1 / np.sqrt(g.var((1, 3), keepdims=True) + 1e-5)
        return ((g - mean) * scale), scale

    def project(self, x, u):
        h, scale = self.moments(x)
        u = self.grouped(u)
        out = scale * (u - u.mean((1, 3), keepdims=True) - h * (u * h).mean((1, 3), keepdims=True))
        return out.reshape(x.shape)

    def forward(self, P, x):
        return P["scale"] * self.moments(x)[0].reshape(x.shape) + P["shift"]

    def jvp(self, P, tP, x, tx):
        return self.forward(tP, x) + (P["scale"] * self.project(x, tx) if np.ndim(tx) else 0)

    def vjp(self, P, gP, x, dy):
        over = tuple(range(x.ndim - 1))
        gP["scale"][:] = (dy * self.moments(x)[0].reshape(x.shape)).sum(over)
        gP["shift"][:] = dy.sum(over)
        return self.project(x, P["scale"] * dy)


class Network:
    """The layers of an architecture: each with the boundary it reads, one that is added or None, and whether it
    reads a flat row."""

    def __init__(self, config, shape, outputs):
        self.config, self.nodes, self.at = config, [], 0
        self.image, self.as_data = len(shape) == 3, len(shape) == 3 and shape[0] > 1
        self.one_channel = len(shape) == 3 and shape[0] == 1
        self.shape = (shape[1], shape[2], shape[0]) if self.image else tuple(shape)
        sigma_w, ntk = config["sigma_w"], config["parameterisation"] == "ntk"
        if sigma_w == "auto":
            sigma_w = math.sqrt(2) if config["activation"] in ("relu", "gelu") else 1.0
        self.scales = lambda fan_in: (sigma_w / math.sqrt(fan_in), config["sigma_b"]) if ntk else (1.0, 1.0)
        getattr(self, config["type"])()
        self.dense(outputs)

    # --- building ---

    def add(self, layer, shape):
        self.nodes.append([layer, self.at, None, len(self.shape) == 1])
        self.shape = shape
        self.at = len(self.nodes)

    def places(self):
        if self.image and self.as_data:
            self.add(Transpose(), self.shape)
        self.as_data = False

    def dense(self, width):
        self.image = self.as_data = False
        self.add(Dense(width, self.config["bias"] and not self.normed, self.scales), (width,))

    normed = False   # is the layer being built followed by a normalisation?

    def conv(self, channels, window, stride=1, padding="same"):
        self.places()
        layer = Convolution(channels, window, stride, padding, self.config["bias"] and not self.normed, self.scales)
        self.add(layer, (layer.side(self.shape[0]), layer.side(self.shape[1]), channels))

    def norm(self, kind, groups):
        if kind == "none":
            return
        self.places()
        self.add(Norm(groups if kind == "group" else 1), self.shape)

    def activate(self, name=None):
        self.add(Activation(name or self.config["activation"]), self.shape)

    def pool(self, kind, window, stride=None):
        self.places()
        layer = Pool(kind, window, stride or window)
        self.add(layer, (layer.side(self.shape[0]), layer.side(self.shape[1]), self.shape[2]))

    def global_average(self):
        self.places()
        self.image = False
        self.add(GlobalAverage(), (self.shape[2],))

    def conv_norm(self, kind, channels, window, stride=1):
        self.normed = kind != "none"
        self.conv(channels, window, stride, "same" if window > 1 else 0)
        self.normed = False
        self.norm(kind, self.config.get("groups"))

    def block(self, branch, shortcut, scale):
        """y = shortcut(x) + scale branch(x); shortcut None is the identity. The sum is made by the last layer, or
        by a scale layer where that is an activation or pooling, or the branch is scaled."""
        self.places()
        start, shape, image = self.at, self.shape, self.image
        branch()
        if shortcut and scale != 1:
            self.add(Scale(scale), self.shape)
            scale = 1
        end, end_shape, end_image, other = self.at, self.shape, self.image, start
        if shortcut:
            self.at, self.shape, self.image, other = start, shape, image, end
            shortcut(end_shape)
        assert self.shape == end_shape, f"{self.shape} + {end_shape}"
        self.image = end_image
        layer, _, skip, _ = self.nodes[-1]
        if scale != 1 or skip is not None or not isinstance(layer, (Dense, Convolution, Norm, Scale)):
            self.add(Scale(scale), self.shape)
        self.nodes[-1][2] = other

    # --- types ---

    def mlp(self):
        for width in self.config["widths"]:
            self.dense(width)
            self.activate()

    def scaled(self, channels):
        return max(1, int(np.rint(channels * self.config["width_multiplier"])))

    def cnn(self):
        c = self.config
        kind = {"auto": "max"}.get(c["pooling"], c["pooling"])
        norm = {"auto": "none"}.get(c["norm"], c["norm"])
        pooled = len(c["channels"]) - 1 if c["pooled"] == "auto" else c["pooled"]
        for stage, channels in enumerate(c["channels"]):
            for _ in range(c["convolutions"]):
                self.conv_norm(norm, self.scaled(channels), c["window"])
                self.activate()
            if stage < pooled and kind != "none":
                self.pool(kind, c["pool"])
        if c["head"] == "global":
            self.global_average()
        self.mlp()

    def lenet(self):
        kind = {"auto": "average"}.get(self.config["pooling"], self.config["pooling"])
        for channels, padding in ((6, 2), (16, 0)):
            self.conv(self.scaled(channels), 5, 1, padding)
            self.activate()
            if kind != "none":
                self.pool(kind, 2)
        for width in (120, 84):
            self.dense(width)
            self.activate()

    def myrtle(self):
        for stage, convolutions in enumerate({5: (2, 1, 1), 7: (2, 2, 2), 10: (3, 3, 3)}[self.config["depth"]]):
            for _ in range(convolutions):
                self.conv(self.scaled(64), 3)
                self.activate()
            if stage < 2:
                self.pool("average", 2)
        self.global_average()

    def resnet(self):
        norm = {"auto": "group"}.get(self.config["norm"], self.config["norm"])
        blocks = (self.config["depth"] - 2) // 6
        scale = 1 / math.sqrt(3 * blocks) if norm == "none" else 1
        self.conv_norm(norm, self.scaled(16), 3)
        self.activate()
        for stage in range(3):
            for i in range(blocks):
                channels, stride = self.scaled(16 << stage), 2 if stage and i == 0 else 1

                def branch():
                    self.conv_norm(norm, channels, 3, stride)
                    self.activate()
                    self.conv_norm(norm, channels, 3)
                same = stride == 1 and self.shape[-1] == channels
                self.block(branch, None if same else lambda _: self.conv_norm(norm, channels, 1, stride), scale)
                self.activate()
        self.global_average()

    def layers(self):
        self.items(self.config["layers"])

    def items(self, items):
        for item, after in zip(items, items[1:] + [None]):
            self.normed = isinstance(after, dict) and "norm" in after
            name, value = (item, None) if isinstance(item, str) else next(iter(item.items()))
            if name == "residual":
                def project(shape):
                    stride = next(s for s in range(1, 99) if len(shape) == 1 or (self.shape[0] - 1) // s + 1 == shape[0])
                    self.conv(shape[-1], 1, stride, 0) if len(shape) == 3 else self.dense(shape[-1])
                shortcut = item.get("shortcut", "identity")
                self.block(lambda: self.items(value), None if shortcut == "identity" else project if shortcut == "projection"
                           else lambda _: self.items(shortcut), item["scale"])
            elif name == "norm":
                self.norm(*(("layer", 1) if value == "layer" else ("group", value["groups"])))
            elif name == "flatten":
                self.image = self.as_data = False
                self.shape = (int(np.prod(self.shape)),)
            else:
                {"conv": lambda: self.conv(**value), "dense": lambda: self.dense(value),
                 "activation": lambda: self.activate(value), "global_pool": self.global_average,
                 "pool": lambda: self.pool(value["type"], value["window"], value["stride"])}[name]()
            self.normed = False

    # --- values ---

    def bind(self, tensors):
        """tensors: name -> (offset, size, shape) of the file; layers with parameters are numbered from 0."""
        self.tensors, number = [], 0
        for layer, *_ in self.nodes:
            prefix = f"layer{number}."
            own = {name[len(prefix):]: at for name, at in tensors.items() if name.startswith(prefix)}
            self.tensors.append(own if layer.parameters else {})
            number += layer.parameters
        found = sum(len(own) for own in self.tensors)
        assert found == len(tensors), f"the network has {found} tensors, the file {len(tensors)}"

    def views(self, vector, i):
        return {name: vector[offset:offset + size].reshape(shape) for name, (offset, size, shape) in self.tensors[i].items()}

    def forward(self, theta, x):
        """Outputs, and the values at every boundary."""
        values = [x.transpose(0, 2, 3, 1) if self.one_channel else x]
        for i, (layer, at, skip, flat) in enumerate(self.nodes):
            y = layer.forward(self.views(theta, i), flattened(values[at], flat))
            values.append(y if skip is None else y + values[skip].reshape(y.shape))
        return values[-1], values

    def jvp(self, theta, values, tangent):
        tangents = [0]
        for i, (layer, at, skip, flat) in enumerate(self.nodes):
            ty = layer.jvp(self.views(theta, i), self.views(tangent, i), flattened(values[at], flat),
                           flattened(tangents[at], flat))
            tangents.append(ty if skip is None else ty + np.reshape(tangents[skip], np.shape(ty) if np.ndim(tangents[skip]) else ()))
        return tangents[-1]

    def vjp(self, theta, values, g):
        gradient = np.zeros_like(theta)
        back = [0] * len(self.nodes) + [g]
        for i, (layer, at, skip, flat) in reversed(list(enumerate(self.nodes))):
            dy = back[i + 1].reshape(values[i + 1].shape)
            dx = layer.vjp(self.views(theta, i), self.views(gradient, i), flattened(values[at], flat), dy)
            back[at] = back[at] + dx.reshape(values[at].shape)
            if skip is not None:
                back[skip] = back[skip] + dy.reshape(values[skip].shape)
        return gradient


def flattened(x, flat):
    return x.reshape(len(x), -1) if flat and np.ndim(x) else x
