import { describe, expect, it } from "vitest";
import type { Best } from "../../api/types";
import { initialState } from "../state";
import { aBest, aDetail } from "../testing";
import { responseOf } from "./data";

type Outlook = Best["probabilities"][number];

function outlook(arm: number, b: number | null, fitted: number | null, decay = 0): Outlook {
  return {
    arm,
    // What it is called joins nothing.
    name: "an arm",
    method: b === null ? "plain" : "flood",
    b,
    parameter: b,
    weight_decay: decay,
    evidence: "trained",
    seeds: 2,
    objective: fitted,
    fitted,
    low: fitted === null ? null : fitted - 0.1,
    high: fitted === null ? null : fitted + 0.1,
    probability: null,
  };
}

const objectives = new Map([
  ["0.0", 0.8],
  ["1.0", 1.0],
  ["0.1", 0.7],
  ["1.1", 0.5],
]);
const state = initialState(aDetail());

describe("the response", () => {
  it("has the means over seeds, and each of them", () => {
    const { points, plain } = responseOf(state, [0, 1], objectives, null, 0);
    expect(points.map(({ arm, value, seeds }) => ({ arm, value, seeds }))).toEqual([
      { arm: 0, value: 0.9, seeds: [0.8, 1.0] },
      { arm: 1, value: 0.6, seeds: [0.7, 0.5] },
    ]);
    expect(plain).toEqual({ value: 0.9, low: null, high: null });
  });

  it("has a fitted curve along the levels, of the weight decay that is looked at", () => {
    const best: Best = {
      ...aBest(),
      noise_floor: 0.33,
      probabilities: [
        outlook(0, null, 0.95),
        outlook(2, 0.2, 0.7),
        outlook(1, 0.1, 0.6),
        outlook(1, 0.1, 9, 0.5),
      ],
    };
    const { fitted, intervals, plain, floor } = responseOf(state, [0, 1], objectives, best, 0);
    expect(fitted.get("flood")?.map(({ b, value }) => [b, value])).toEqual([
      [0.1, 0.6],
      [0.2, 0.7],
    ]);
    expect(intervals.get(2)).toEqual({
      value: 0.7,
      low: expect.closeTo(0.6),
      high: expect.closeTo(0.8),
    });
    expect(plain).toEqual({ value: 0.9, low: expect.closeTo(0.85), high: expect.closeTo(1.05) });
    expect(floor).toBe(0.33);
  });

  it("is measured points alone while nothing is fitted", () => {
    const best = { ...aBest(), probabilities: [outlook(1, 0.1, null)] };
    const { fitted, intervals } = responseOf(state, [0, 1], objectives, best, 0);
    expect(fitted.size).toBe(0);
    expect(intervals.size).toBe(0);
  });
});
