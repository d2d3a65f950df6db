import { describe, expect, it } from "vitest";
import { initialState, type Curve, type Trial } from "../state";
import { aDetail } from "../testing";
import { chartMetrics, GRADIENT } from "./metrics";
import { columnsOf, Filler, meanOf, rangeOf, type Shown } from "./series";

const [loss, error] = chartMetrics(aDetail());
if (!loss || !error) throw new Error("no metrics");
const shown: Shown = { metric: loss, train: true, validation: true, log: false, smooth: 1 };

function trial(arm: number, change: Partial<Trial>): Trial {
  const blank = initialState(aDetail()).trials[0]?.[0];
  if (!blank) throw new Error("no trial");
  return { ...blank, arm, ...change };
}

function curve(loss: Curve["train"]): Curve {
  const diagnosticsOf = (i: number) => ({ grad_norm: i + 1, ascending: 0, flooded_steps: 0 });
  return {
    train: loss.map(() => 1),
    metrics: { val_loss: loss, val_error: loss.map(() => 0) },
    diagnostics: loss.map((_, i) => (i === 0 ? undefined : diagnosticsOf(i))),
  };
}

describe("columns", () => {
  it("draw plain over the levels, and validation over training", () => {
    expect(columnsOf([0, 2, 1], [0], false, shown)).toEqual(
      (["train", "validation"] as const).flatMap((kind) =>
        [2, 1, 0].map((arm) => ({ arm, kind, families: [0] })),
      ),
    );
  });

  it("are one for each seed, or one for all", () => {
    const what = { ...shown, train: false };
    const families = (mean: boolean) =>
      columnsOf([0, 1], [0, 2], mean, what).map((each) => each.families);
    expect(families(true)).toEqual([
      [0, 2],
      [0, 2],
    ]);
    expect(families(false)).toEqual([[0], [2], [0], [2]]);
  });

  it("leave out what isn't asked for, and errors of training, which nobody reports", () => {
    const kinds = (change: Partial<Shown>) =>
      columnsOf([0, 1], [0], false, { ...shown, ...change }).map(({ kind }) => kind);
    expect(kinds({ validation: false })).toEqual(["train", "train"]);
    expect(kinds({ metric: error })).toEqual(["validation", "validation"]);
    expect(kinds({ metric: GRADIENT, train: false })).toEqual(["gradient", "gradient"]);
  });
});

describe("what is plotted", () => {
  const trials = [
    [trial(0, { curve: curve([0.9, 0.8, 0.7]) }), trial(1, { curve: curve([0.9, null]) })],
  ];
  const fill = (change: Partial<Shown>) => {
    const what = { ...shown, ...change };
    return new Filler(columnsOf([0, 1], [0], false, what), what).fill(trials);
  };

  it("is as long as the longest curve, with gaps where a loss diverged", () => {
    const { data, points, extent } = fill({ train: false });
    expect(extent).toEqual([0.7, 0.9]);
    expect(data).toEqual([
      [1, 2, 3],
      [0.9, null],
      [0.9, 0.8, 0.7],
    ]);
    expect(points).toBe(4);
  });

  it("is the gradient's norm, whichever losses are chosen, where it was told", () => {
    const { data, points } = fill({ metric: GRADIENT, train: false, validation: false });
    expect(data.slice(1)).toEqual([
      [undefined, 2],
      [undefined, 2, 3],
    ]);
    expect(points).toBe(3);
  });

  it("leaves out what a logarithm can't show", () => {
    expect(fill({ metric: error, log: true }).points).toBe(0);
  });

  it("is smoothed if that is asked for", () => {
    expect(fill({ train: false, smooth: 3 }).data[2]).toEqual([0.9, expect.closeTo(0.8, 12), 0.7]);
  });

  it("is empty before the first report", () => {
    const none = new Filler(columnsOf([0], [0], false, shown), shown).fill([]);
    expect(none).toEqual({ data: [[], [], []], points: 0, extent: null });
  });

  it("is worked out anew only for the curves that grew", () => {
    const filler = new Filler(columnsOf([0, 1], [0], false, shown), shown);
    const before = filler.fill(trials).data;
    const [plain, level] = trials[0] ?? [];
    const grown = { ...plain, curve: curve([0.9, 0.8, 0.7, 0.6]) } as Trial;
    const after = filler.fill([[grown, level as Trial]]).data;
    expect(after[3]).toBe(before[3]);
    expect(after[4]).toEqual([0.9, 0.8, 0.7, 0.6]);
  });
});

describe("several seeds", () => {
  const curves = [
    [1, 2, 3],
    [3, 4],
    [5, null],
  ];

  it("have a mean at each epoch that one of them reaches, and none where one diverged", () => {
    expect(meanOf(curves)).toEqual([3, null, 3]);
    expect(meanOf([[1, 2]])).toEqual([1, 2]);
    expect(meanOf([])).toEqual([]);
  });

  it("reach as far as each of them, not as their mean", () => {
    const trials = curves.map((loss) => [trial(0, { curve: curve(loss) })]);
    const what = { ...shown, train: false };
    expect(new Filler(columnsOf([0], [0, 1, 2], true, what), what).fill(trials).extent).toEqual([
      1, 5,
    ]);
  });

  it("have a range where two of them are", () => {
    const { low, high } = rangeOf(curves, 1);
    expect([...low]).toEqual([1, 2, undefined]);
    expect([...high]).toEqual([5, 4, undefined]);
  });
});
