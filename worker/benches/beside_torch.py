"""What a training step costs here and in PyTorch, on the same threads, round by round in turn.

`beside_torch.py TRAIN [--threads N] [--rounds N]` runs TRAIN (the built bench `train`) and PyTorch
one after the other, and prints the medians as Markdown. `make bench-train` does it all.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time

import torch
from torch import nn
from torch.nn import functional as F

STEPS = 20
WIDTHS = [1, 5, 20]


def dense(widths, norm=False):
    layers = []
    for before, after in zip(widths[:-2], widths[1:-1]):
        layers.append(nn.Linear(before, after, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm1d(after))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
    )


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.001)


class Stack(nn.Module):
    """The same dense network several times, as batched matrix products."""

    def __init__(self, members, widths, norm):
        super().__init__()
        self.norm = norm
        pairs = list(zip(widths, widths[1:]))
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.randn(members, a, b) * (2 / a) ** 0.5) for a, b in pairs])
        self.biases = nn.ParameterList(
            [nn.Parameter(torch.zeros(members, 1, b)) for _, b in pairs])
        self.scales = nn.ParameterList(
            [nn.Parameter(torch.ones(members * b)) for _, b in pairs[:-1]] if norm else [])

    def forward(self, x):
        members = self.weights[0].shape[0]
        x = x.expand(members, -1, -1)
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            if not self.norm or i == last:
                x = torch.baddbmm(bias, x, weight)
            else:
                x = torch.bmm(x, weight).transpose(0, 1)
                shape = x.shape
                x = F.batch_norm(x.reshape(shape[0], -1), None, None, self.scales[i],
                                 bias.reshape(-1), True)
                x = x.reshape(shape).transpose(0, 1)
            if i < last:
                x = F.relu(x)
        return x


# Name, words, batch, features, classes, model, optimiser, widths of its stack, norm.
CASES = {
    "mlp-64": ("MLP 64-128-128-10, batch 50", 50, 64, 10,
               lambda: dense([64, 128, 128, 10]), sgd, [64, 128, 128, 10], False),
    "mlp-784": ("MLP 784-256-256-10, batch 100", 100, 784, 10,
                lambda: dense([784, 256, 256, 10]), sgd, [784, 256, 256, 10], False),
    "mlp-norm": ("MLP 2-500×4-2, batch norm, Adam, batch 100", 100, 2, 2,
                 lambda: dense([2, 500, 500, 500, 500, 2], True), adam,
                 [2, 500, 500, 500, 500, 2], True),
    "cnn": ("CNN 16-32, 3×3, 28×28, batch 64", 64, 784, 10, convolutional, sgd, None, False),
}


class Torch:
    """A case in PyTorch: an epoch of `STEPS` steps at a time, batches gathered as in training."""

    def __init__(self, case, members=None):
        _, self.batch, features, classes, model, optimizer, widths, norm = CASES[case]
        torch.manual_seed(0)
        self.members = members
        self.x = torch.rand(STEPS * self.batch, features)
        self.y = torch.randint(0, classes, (STEPS * self.batch,))
        self.model = model() if members is None else Stack(members, widths, norm)
        self.optimizer = optimizer(self.model.parameters())

    def epoch(self):
        """Milliseconds per member and step."""
        start = time.perf_counter()
        order = torch.randperm(len(self.y))
        for rows in order.split(self.batch):
            x, y = self.x[rows], self.y[rows]
            self.optimizer.zero_grad()
            logits = self.model(x)
            if self.members is None:
                loss = F.cross_entropy(logits, y)
            else:
                y = y.repeat(self.members)
                loss = F.cross_entropy(logits.flatten(0, 1), y) * self.members
            loss.backward()
            self.optimizer.step()
            loss.item()
        return 1e3 * (time.perf_counter() - start) / (STEPS * (self.members or 1))


def ours(train, *args):
    lines = subprocess.run([train, *map(str, args)], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in lines.stdout.splitlines()]


def measure(train, threads, rounds):
    found = {}
    for case in CASES:
        alone = Torch(case)
        stack = None if CASES[case][6] is None else Torch(case, 20)
        for _ in range(5):
            alone.epoch()
        if stack:
            stack.epoch()
        times = found[case] = {key: [] for key in [*WIDTHS, "torch", "torch stacked"]}
        for _ in range(rounds):
            for width in WIDTHS:
                times[width] += [line["ms"] for line in ours(train, case, width, threads, 3)]
                times["torch"] += [alone.epoch() for _ in range(3)]
            if stack:
                times["torch stacked"].append(stack.epoch())
    return found


def cpu():
    try:
        with open("/proc/cpuinfo") as info:
            names = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
        return f"{names[0]}, {len(names)} processors"
    except (OSError, IndexError):
        return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count()))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    found = measure(args.train, args.threads, args.rounds)

    print(f"{cpu()}, {args.threads} threads, PyTorch {torch.__version__}. Milliseconds per member "
          f"and step, medians of {args.rounds} rounds in turn; in brackets how many times faster "
          "than PyTorch training one.\n")
    print("| | PyTorch, one | PyTorch, stack of 20 | ours, 1 | ours, 5 | ours, 20 |")
    print("|---|---|---|---|---|---|")
    for case, times in found.items():
        middle = {key: statistics.median(values) for key, values in times.items() if values}
        cells = [f"{middle[width]:.3f} ({middle['torch'] / middle[width]:.2f}×)"
                 for width in WIDTHS]
        stacked = f"{middle['torch stacked']:.3f}" if "torch stacked" in middle else "–"
        print(f"| {CASES[case][0]} | {middle['torch']:.3f} | {stacked} | {' | '.join(cells)} |")

    shares = {}
    for line in ours(args.train, "overhead", args.threads, args.rounds):
        key = (line["members"], line["epochs"], line["samples"])
        shares.setdefault(key, []).append(line["share"])
    print("\nOutside forward, backward, update and the evaluation's forward at 784-256-256, with "
          "a checkpoint of each member read and written for each segment:\n")
    print("| members | segments of | share of the time |")
    print("|---|---|---|")
    for (members, epochs, samples), values in shares.items():
        print(f"| {members} | {epochs} epoch{'s' if epochs > 1 else ''} of {samples:,} samples "
              f"| {100 * statistics.median(values):.2f} % |")


if __name__ == "__main__":
    main()
