import { describe, expect, it } from "vitest";
import { byLevel, byStanding, type Standing } from "./order";
import { columnsOf, plotted, type Shown } from "./series";
import { initialState, type Curve, type Trial } from "./state";
import { aDetail } from "./testing";

const shown: Shown = { metric: "loss", train: true, validation: true, log: false };

function trial(arm: number, change: Partial<Trial>): Trial {
  const blank = initialState(aDetail()).trials[0]?.[0];
  if (!blank) throw new Error("no trial");
  return { ...blank, arm, ...change };
}

function curve(loss: Curve["loss"]): Curve {
  const told = (i: number) => ({ grad_norm: i + 1, ascending: 0, flooded_steps: 0 });
  return {
    train: loss.map(() => 1),
    loss,
    error: loss.map(() => 0),
    diagnostics: loss.map((_, i) => (i === 0 ? undefined : told(i))),
  };
}

describe("columns", () => {
  it("draw plain over the levels, and validation over training", () => {
    expect(columnsOf(3, shown)).toEqual([
      { arm: 1, kind: "train" },
      { arm: 2, kind: "train" },
      { arm: 0, kind: "train" },
      { arm: 1, kind: "validation" },
      { arm: 2, kind: "validation" },
      { arm: 0, kind: "validation" },
    ]);
  });

  it("leave out what isn't asked for, and errors of training, which nobody reports", () => {
    expect(columnsOf(2, { ...shown, validation: false }).map(({ kind }) => kind)).toEqual([
      "train",
      "train",
    ]);
    expect(columnsOf(2, { ...shown, metric: "error" }).map(({ kind }) => kind)).toEqual([
      "validation",
      "validation",
    ]);
  });
});

describe("what is plotted", () => {
  const trials = [
    trial(0, { curve: curve([0.9, 0.8, 0.7]) }),
    trial(1, { curve: curve([0.9, null]) }),
  ];

  it("is as long as the longest curve, with gaps where a loss diverged", () => {
    const columns = columnsOf(2, { ...shown, train: false });
    const { data, points } = plotted(trials, columns, shown);
    expect(data).toEqual([
      [1, 2, 3],
      [0.9, null, undefined],
      [0.9, 0.8, 0.7],
    ]);
    expect(points).toBe(4);
  });

  it("is the gradient's norm, whichever losses are chosen, where it was told", () => {
    const what: Shown = { ...shown, metric: "gradient", train: false, validation: false };
    const { data, points } = plotted(trials, columnsOf(2, what), what);
    expect(data.slice(1)).toEqual([
      [undefined, 2, undefined],
      [undefined, 2, 3],
    ]);
    expect(points).toBe(3);
  });

  it("leaves out what a logarithm can't show", () => {
    const what: Shown = { ...shown, metric: "error", log: true };
    expect(plotted(trials, columnsOf(2, what), what).points).toBe(0);
  });

  it("is empty before the first report", () => {
    expect(plotted([], columnsOf(1, shown), shown)).toEqual({ data: [[], [], []], points: 0 });
  });
});

describe("the order of arms", () => {
  const standing = (arm: number, change: Partial<Trial>, objective: Standing["objective"]) => ({
    trial: trial(arm, change),
    b: arm === 0 ? null : arm / 10,
    objective,
  });
  const rows: Standing[] = [
    standing(0, { status: "active" }, 0.5),
    standing(1, { status: "pruned", epochs: 2 }, 0.1),
    standing(2, { status: "pruned", epochs: 9 }, 0.9),
    standing(3, { status: "active" }, 0.4),
    standing(4, { status: "diverged" }, "diverged"),
    standing(5, { status: "active" }, null),
  ];
  const arms = (sorted: Standing[]) => sorted.map((row) => row.trial.arm);

  it("puts the live first, then those that got further", () => {
    expect(arms(rows.toSorted(byStanding))).toEqual([3, 0, 5, 2, 1, 4]);
  });

  it("puts plain before the levels", () => {
    expect(arms(rows.toReversed().toSorted(byLevel))).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
