import { describe, expect, it } from "vitest";
import type { SweepSpec, TrialItem } from "../api/types";
import { aDetail } from "../sweep/testing";
import { evenAxis, levelAxis } from "./axes";
import { differences } from "./differences";
import { commonBound, responsesOf, type Response } from "./response";

const METHODS = ["flood", "softad"];

/** A trial of an arm that method and level tell apart; what it is called joins nothing. */
function trial(
  method: string,
  b: number | null,
  objective: TrialItem["objective"],
  change: Partial<TrialItem> = {},
): TrialItem {
  return {
    id: "x",
    family: 0,
    seed: 0,
    weight_decay: 0,
    arm: method === "plain" ? 0 : METHODS.indexOf(method) * 10 + Math.round(10 * (b ?? 0)),
    name: "an arm",
    method,
    b,
    parameter: b,
    status: "completed",
    epochs: 9,
    onset_step: null,
    objective,
    reason: null,
    checkpoint: null,
    ...change,
  };
}

describe("a response", () => {
  const detail = { ...aDetail(), best: null };

  it("is a mean over seeds with their range, by level, beside plain", () => {
    const trials = [
      trial("plain", null, 2),
      trial("plain", null, 4, { seed: 1 }),
      trial("flood", 0.2, 1),
      trial("flood", 0.1, 1),
      trial("flood", 0.1, 2, { seed: 1 }),
    ];
    expect(responsesOf(detail, trials, 3)).toEqual([
      {
        sweep: 3,
        method: "flood",
        plain: 3,
        direction: "min",
        places: [
          { b: 0.1, mean: 1.5, low: 1, high: 2, seeds: 2, whole: true },
          { b: 0.2, mean: 1, low: 1, high: 1, seeds: 1, whole: true },
        ],
      },
    ]);
  });

  it("hears runs that ended early only where no other is", () => {
    const pruned = { status: "pruned" as const };
    const trials = [
      trial("flood", 0.1, 1),
      trial("flood", 0.1, 9, { seed: 1, ...pruned }),
      trial("flood", 0.2, 9, pruned),
      trial("flood", 0.3, "diverged"),
      trial("flood", 0.4, null),
    ];
    const places = responsesOf(detail, trials, 0)[0]?.places;
    expect(places?.map(({ b, mean, whole }) => [b, mean, whole])).toEqual([
      [0.1, 1, true],
      [0.2, 9, false],
    ]);
  });

  it("keeps methods apart, and to the weight decay of the best arm", () => {
    const trials = [
      trial("flood", 0.1, 1),
      trial("softad", 0.1, 2),
      trial("flood", 0.1, 3, { weight_decay: 1 }),
    ];
    const responses = responsesOf(detail, trials, 0);
    expect(responses.map(({ method, places, plain }) => [method, places[0]?.mean, plain])).toEqual([
      ["flood", 1, null],
      ["softad", 2, null],
    ]);
  });
});

describe("an axis", () => {
  it("has round ticks around all values", () => {
    expect(evenAxis([0.21, 0.93]).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    const { low, high, place } = evenAxis([-1, 1]);
    expect([place(low), place(high), place(0)]).toEqual([0, 1, 0.5]);
    expect(evenAxis([0.5]).ticks.length).toBeGreaterThan(1);
  });

  it("of levels is in the logarithm where they span more than two decades", () => {
    expect(levelAxis([0.05, 0.2]).ticks[0]).toBe(0);
    const log = levelAxis([0.001, 1]);
    expect(log.ticks).toEqual([0.001, 0.01, 0.1, 1]);
    expect(log.place(0.1) - log.place(0.01)).toBeCloseTo(log.place(1) - log.place(0.1));
    expect(levelAxis([0, 1]).ticks[0]).toBe(0);
  });
});

describe("what differs", () => {
  it("is told field by field, but for names and pins", () => {
    const spec = (name: string, change: object) =>
      ({
        name,
        recipe: { dataset: { name: "digits", pin: { sha256: name } }, epochs: 9, ...change },
        search: { methods: ["flood"] },
      }) as unknown as SweepSpec;
    expect(
      differences([spec("a", { epochs: 10 }), spec("b", { model: { hidden: [8, 4] } })]),
    ).toEqual([
      { field: "recipe.epochs", values: ["10", "9"] },
      { field: "recipe.model.hidden", values: ["", "8, 4"] },
    ]);
    expect(differences([spec("a", {}), spec("b", {})])).toEqual([]);
  });
});

describe("the bound of a figure of several sweeps", () => {
  function response(means: readonly number[], plain: number | null = null): Response {
    const places = means.map((mean, i) => {
      return { b: i / 10, mean, low: mean, high: mean, seeds: 1, whole: true };
    });
    return { sweep: 0, method: "flood", places, plain, direction: "min" };
  }
  const usual = [0.3, 0.31, 0.32, 0.33, 0.34, 0.35];

  it("keeps sweeps of different sizes, and every baseline that isn't astray", () => {
    expect(commonBound([response(usual), response([2.3, 2.4, 2.5])])).toBeGreaterThan(2.5);
    expect(commonBound([response(usual, 5)])).toBe(5);
    expect(commonBound([response([0, 0]), response([0.9])])).toBeGreaterThan(0.9);
  });

  it("leaves out a level or a whole sweep that went astray", () => {
    expect(commonBound([response([...usual, 3e34])])).toBeLessThan(1);
    expect(commonBound([response([0.3, 0.4, 3e34])])).toBeLessThan(1e4);
    expect(commonBound([response([...usual, 3e34]), response([0.5, 3e34])])).toBeLessThan(1e4);
    const whole = commonBound([response(usual), response([1e9, 2e9], 1e9)]);
    expect(whole).toBeGreaterThan(0.35);
    expect(whole).toBeLessThan(1e4);
  });

  it("cuts nothing off where higher is better", () => {
    const higher = { ...response([...usual, 3e34]), direction: "max" as const };
    expect(commonBound([higher, response(usual)])).toBe(Infinity);
  });
});
