"""Makes objectives.json from recorded full grids:

    python3 make.py GRID.json.gz... > objectives.json

Of each grid (20 flood levels and plain, five seeds, trained to the end by an independent PyTorch
trainer) it keeps what the verdict judges: for each metric and read-out the objective of every run,
`last` as the mean over the closing tenth of the epochs, `best` as the lowest epoch; and whether the
training loss ever fell below each level.
"""

import gzip
import json
import math
import sys

tasks = []
for path in sys.argv[1:]:
    with gzip.open(path) as file:
        grid = json.load(file)
    window = math.ceil(grid["epochs"] / 10)
    last = lambda curve: sum(curve[-window:]) / window
    objectives = {}
    for metric in ["val_loss", "val_error"]:
        for name, read in [("last", last), ("best", min)]:
            objectives[f"{metric} {name}"] = [
                [float(f"{read(curve):.5g}") for curve in run[metric]] for run in grid["runs"]
            ]
    tasks.append(
        {
            "task": grid["task"],
            "levels": grid["levels"],
            "crossed": [[step is not None for step in run["onset_step"]] for run in grid["runs"]],
            "objectives": objectives,
        }
    )
json.dump(tasks, sys.stdout, separators=(",", ":"))
print()
