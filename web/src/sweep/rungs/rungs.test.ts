import { describe, expect, it } from "vitest";
import { initialState, type Choice, type SweepState } from "../state";
import { aDetail } from "../testing";
import { rungsOf, toldIn } from "./rungs";

function choice(change: Partial<Choice>): Choice {
  const blank = { seq: 1, at: "", rung: 0, family: 0, arm: 0, fate: "kept" as const };
  return { ...blank, epochs: 2, value: 0.5, reason: "", ...change };
}

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
    const reason = "pruned at rung 1 of 2 (epoch 2): val_loss 0.6120 is rank 2 of 3, 1 kept";
    const state = sweep([
      choice({ family: 0, arm: 1, fate: "pruned", reason, value: 0.6 }),
      choice({ family: 1, arm: 1, fate: "pruned", reason, value: 0.624 }),
    ]);
    expect(rungsOf(state, 0)[0]?.stands).toEqual([
      { arm: 1, fate: "pruned", value: 0.612, rank: 2, epochs: 2, reason },
    ]);
  });

  it("follows those before it, and leaves other weight decays out", () => {
    const state = sweep([choice({ rung: 0 }), choice({ rung: 2 }), choice({ rung: 1 })]);
    expect(rungsOf(state, 0).map(({ rung }) => rung)).toEqual([0, 2, 1]);
    expect(rungsOf(state, 0.001)).toEqual([]);
  });
});

describe("a reason", () => {
  it("tells what was compared, and the rank", () => {
    const probe =
      "promoted: val_loss 2.1311 in epochs 31 to 45, after its onset, is rank 1 of 4 probes; flood b=0.2 goes to the end";
    expect(toldIn(probe)).toEqual({ value: 2.1311, rank: 1 });
    expect(toldIn("pruned: val_error 1.5e-4 is rank 12 of 21")).toEqual({
      value: 1.5e-4,
      rank: 12,
    });
  });

  it("may tell neither", () => {
    expect(toldIn("no finite mean over seeds is rank 3 of 3")).toBeUndefined();
    expect(toldIn("")).toBeUndefined();
  });
});
