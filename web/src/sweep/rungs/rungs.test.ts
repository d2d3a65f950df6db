import { describe, expect, it } from "vitest";
import type { Comparison } from "../../api/types";
import { initialState, type Choice, type SweepState } from "../state";
import { aDetail } from "../testing";
import { rungsOf } from "./rungs";

function choice(change: Partial<Choice>): Choice {
  const blank = { seq: 1, at: "", rung: 0, family: 0, arm: 0, fate: "kept" as const };
  return { ...blank, epochs: 2, value: 0.5, reason: "", ...change };
}

const COMPARED: Comparison = {
  metric: "val_loss",
  value: 0.612,
  from_epoch: 2,
  to_epoch: 2,
  seeds: 2,
  rank: 2,
  count: 3,
};

function sweep(choices: readonly Choice[]): SweepState {
  return { ...initialState(aDetail()), choices };
}

describe("a rung", () => {
  it("has its arms best first, those that were woken last", () => {
    const state = sweep([
      choice({ arm: 2, fate: "woken", value: undefined }),
      choice({ arm: 1, fate: "pruned", value: 0.9 }),
      choice({ arm: 0, value: 0.7 }),
    ]);
    expect(rungsOf(state, 0).map(({ stands }) => stands.map(({ arm }) => arm))).toEqual([
      [0, 1, 2],
    ]);
  });

  it("tells seeds that were compared as one once, and ends the arm if one of them ends", () => {
    const reason = "whatever the words are";
    const pruned = { arm: 1, fate: "pruned" as const, comparison: COMPARED, reason };
    const state = sweep([
      choice({ ...pruned, family: 0, value: 0.6 }),
      choice({ ...pruned, family: 1, value: 0.624 }),
    ]);
    expect(rungsOf(state, 0)[0]?.stands).toEqual([
      { arm: 1, fate: "pruned", value: 0.612, rank: 2, epochs: 2, reason },
    ]);
  });

  it("has no value of an arm whose mean over seeds isn't finite", () => {
    const comparison = { ...COMPARED, value: "diverged" as const };
    const state = sweep([choice({ fate: "pruned", comparison, value: 0.6 })]);
    expect(rungsOf(state, 0)[0]?.stands[0]?.value).toBeNull();
  });

  it("follows those before it, and leaves other weight decays out", () => {
    const state = sweep([choice({ rung: 0 }), choice({ rung: 2 }), choice({ rung: 1 })]);
    expect(rungsOf(state, 0).map(({ rung }) => rung)).toEqual([0, 2, 1]);
    expect(rungsOf(state, 0.001)).toEqual([]);
  });
});
