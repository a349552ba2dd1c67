#!/usr/bin/env python3
"""A program as a job of relin: logistic regression by gradient descent, with the standard library alone.

relin starts it once for each cell of the grid of logistic.yaml, hands it the job as JSON, and takes its results as JSON
lines. Alone it runs too: echo '{"training": {"seed": 0}, "parameters": {}}' | python3 logistic.py"""
import json
import math
import os
import random
import signal
import sys

job = json.load(sys.stdin)
parameters = job["parameters"]
rate, ridge = parameters.get("rate", 0.5), parameters.get("ridge", 0.01)
epochs = parameters.get("epochs", 40)
draw = random.Random(job["training"]["seed"])


def examples(n):
    """Two classes of points in the plane, which overlap."""
    for _ in range(n):
        label = draw.randrange(2)
        yield [draw.gauss(2.0 * label - 1, 1.2), draw.gauss(0, 1), 1.0], label


def measure(weights, rows):
    """Mean loss and accuracy; the share of positive answers that are right."""
    loss = right = positive = true = 0
    for x, y in rows:
        z = sum(w * value for w, value in zip(weights, x))
        loss += math.log1p(math.exp(-abs(z))) + max(z, 0) - y * z
        right += (z > 0) == (y == 1)
        positive += z > 0
        true += z > 0 and y == 1
    return loss / len(rows), right / len(rows), true / positive if positive else None


train, test = list(examples(200)), list(examples(400))
weights, first = [0.0, 0.0, 0.0], 0

# A state of its own, for long programs: relin sends TERM before a limit and starts the job again later.
state = os.path.join(os.environ.get("RELIN_CHECKPOINT", ""), "state.json")
if "RELIN_CHECKPOINT" in os.environ and os.path.exists(state):
    with open(state, encoding="utf-8") as file:
        weights, first = json.load(file)
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))

for epoch in range(first, epochs + 1):
    if stopped and "RELIN_CHECKPOINT" in os.environ:
        with open(state + ".new", "w", encoding="utf-8") as file:
            json.dump([weights, epoch], file)
        os.rename(state + ".new", state)
        sys.exit(1)
    if epoch % 10 == 0:
        train_loss, train_accuracy, _ = measure(weights, train)
        test_loss, test_accuracy, precision = measure(weights, test)
        print(json.dumps({"step": epoch, "train_loss": train_loss, "train_accuracy": train_accuracy, "test_loss": test_loss,
                          "test_accuracy": test_accuracy, "precision": precision}), flush=True)
    gradient = [ridge * w for w in weights]
    for x, y in train:
        error = 1 / (1 + math.exp(-sum(w * value for w, value in zip(weights, x)))) - y
        gradient = [g + error * value / len(train) for g, value in zip(gradient, x)]
    weights = [w - rate * g for w, g in zip(weights, gradient)]

print(json.dumps({"norm": math.hypot(*weights)}))
