"""PyTorch trains from the samples and weights that ours began with: `same_start.py FOLDER`.

FOLDER holds what the bench `same_start` wrote. The losses must be ours within rounding as long as
rounding is all that can part them, and levels must be crossed where ours are. Prints Markdown, and
fails if a case is unlike. `make check-torch` does it all.
"""

import json
import math
import pathlib
import statistics
import sys

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

# Steps before rounding has grown to something.
FIRST = 10
# How far losses of these steps, mean onsets, and mean losses of the last third may lie apart: of
# PyTorch's, or in steps and nats where they are small.
EARLY, ONSET, LATE = 0.005, (0.05, 0.2), (0.1, 0.01)


class Given:
    """A case and seed as ours trained it."""

    def __init__(self, path):
        with safe_open(path, "pt") as file:
            about = file.metadata()
            self.arrays = {name: file.get_tensor(name) for name in file.keys()}
        self.recipe = json.loads(about["recipe"])
        self.weight_decay = float(about["weight_decay"])
        self.levels = [None, *json.loads(about["levels"])]
        self.x, self.y = self.arrays["features"], self.arrays["labels"].long()

    def losses(self, arm):
        return self.arrays[f"losses.{arm}"].tolist()


def linear(given, name, weight=None):
    weight = given.arrays[f"{name}.weight"] if weight is None else weight
    layer = nn.Linear(*weight.shape)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        layer.bias.zero_()
    return layer


def dense(given, name, hidden, norm, first=None):
    layers = []
    for i, width in enumerate(hidden):
        layers.append(linear(given, f"{name}.{i}", first if i == 0 else None))
        layers += [nn.BatchNorm1d(width), nn.ReLU()] if norm else [nn.ReLU()]
    return [*layers, linear(given, f"{name}.{len(hidden)}")]


def convolutional(given, model):
    side = math.isqrt(given.x.shape[1])
    layers, before, norm = [nn.Unflatten(1, (1, side, side))], 1, model.get("batch_norm", False)
    for i, filters in enumerate(model["channels"]):
        layer = nn.Conv2d(before, filters, 3, padding=1)
        # Ours: rows go down the window, across it, and over the channels.
        weight = given.arrays[f"convolutions.{i}.weight"].reshape(3, 3, before, filters)
        with torch.no_grad():
            layer.weight.copy_(weight.permute(3, 2, 0, 1))
            layer.bias.zero_()
        layers += [layer, *([nn.BatchNorm2d(filters)] if norm else []), nn.MaxPool2d(2), nn.ReLU()]
        before, side = filters, side // 2
    # Ours has a picture's channels beside one another, PyTorch one after the other.
    first = given.arrays["dense.0.weight"]
    first = first.reshape(side * side, before, -1).transpose(0, 1).reshape(first.shape)
    return [*layers, nn.Flatten(), *dense(given, "dense", model["hidden"], norm, first)]


def network(given):
    model = given.recipe["model"]
    if model["kind"] == "cnn":
        return nn.Sequential(*convolutional(given, model))
    return nn.Sequential(*dense(given, "layers", model["hidden"], model.get("batch_norm", False)))


def optimizer_of(given, parameters):
    options = dict(given.recipe["optimizer"])
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kind[options.pop("kind")](parameters, weight_decay=given.weight_decay, **options)


def train(given, level):
    model = network(given)
    optimizer = optimizer_of(given, model.parameters())
    losses = []
    for _ in range(given.recipe["epochs"]):
        loss = F.cross_entropy(model(given.x), given.y)
        losses.append(loss.item())
        if level is not None:
            loss = (loss - level).abs() + level
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def onset(losses, level):
    return next((step for step, loss in enumerate(losses) if loss < level), len(losses))


def apart(ours, theirs):
    return abs(ours - theirs) / max(abs(theirs), 1e-12)


def near(ours, theirs, bounds):
    of_theirs, small = bounds
    return abs(ours - theirs) <= max(small, of_theirs * theirs)


def compare(case, seeds):
    """Prints a case, and says whether all of it is alike."""
    alike = True
    for arm, level in enumerate(seeds[0].levels):
        ours = [given.losses(arm) for given in seeds]
        theirs = [train(given, level) for given in seeds]
        early = max(apart(a, b) for x, y in zip(ours, theirs)
                    for a, b in zip(x[:FIRST], y[:FIRST]))
        late = [statistics.mean(statistics.mean(x[-len(x) // 3:]) for x in both)
                for both in (ours, theirs)]
        good = early < EARLY and near(*late, LATE)
        crossed = "–"
        if level is not None:
            means = [statistics.mean(onset(x, level) for x in both) for both in (ours, theirs)]
            good &= near(*means, ONSET)
            crossed = f"{means[0]:.1f} / {means[1]:.1f}"
        alike &= good
        arm = "plain" if level is None else f"flood b={level}"
        print(f"| {case} | {arm} | {100 * early:.3f} % | {crossed} "
              f"| {late[0]:.4f} / {late[1]:.4f} | {'alike' if good else '**unlike**'} |")
    return alike


def main():
    cases = {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.safetensors")):
        cases.setdefault(path.stem.rpartition("-")[0], []).append(Given(path))
    if not cases:
        sys.exit("no cases")
    print(f"PyTorch {torch.__version__}; ours / PyTorch, means over {len(next(iter(cases.values())))}"
          " seeds\n")
    print(f"| case | arm | losses of the first {FIRST} steps apart, at most | onset, step "
          "| mean loss of the last third | |")
    print("|---|---|---|---|---|---|")
    if not all([compare(case, seeds) for case, seeds in cases.items()]):
        sys.exit("some are unlike")


if __name__ == "__main__":
    main()
