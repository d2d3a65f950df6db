import { describe, expect, it } from "vitest";
import type { Metric } from "../../api/types";
import { initialState, type SweepState, type Trial } from "../state";
import { aDetail } from "../testing";
import { byLevel, byStanding, rowsOf, trialKey, type Row } from "./rows";

function row(arm: number, change: Partial<Row>): Row {
  const b = arm === 0 ? null : arm / 10;
  const blank = { trained: 1, seeds: 1, epochs: [2, 2] as const, onset: null, ascending: null };
  return { arm, b, status: "active", objective: null, reason: "", ...blank, ...change };
}

/** A sweep of two seeds whose trials are changed by family and arm. */
function sweep(changes: Record<string, Partial<Trial>>): SweepState {
  const state = initialState(aDetail());
  const trials = state.trials.map((members) =>
    members.map((trial) => ({ ...trial, ...changes[trialKey(trial.family, trial.arm)] })),
  );
  return { ...state, trials };
}

describe("a row", () => {
  it("is an arm over its seeds", () => {
    const state = sweep({
      "0.1": { status: "completed", epochs: 4, onsetStep: 20, reason: "trained all 4 epochs" },
      "1.1": { status: "active", epochs: 2, onsetStep: 59, reason: "goes on" },
    });
    const objectives = new Map([
      ["0.1", 0.5],
      ["1.1", 0.7],
    ]);
    expect(rowsOf(state, [0, 1], objectives)[1]).toMatchObject({
      status: "active",
      trained: 2,
      seeds: 2,
      epochs: [2, 4],
      onset: 2.5,
      objective: 0.6,
      reason: "goes on",
    });
    expect(rowsOf(state, [0], objectives)[1]).toMatchObject({ status: "completed", seeds: 1 });
  });

  it("of an arm that only one seed trained tells how that ended", () => {
    const state = sweep({ "0.2": { status: "pruned", epochs: 2, reason: "rank 3 of 3" } });
    expect(rowsOf(state, [0, 1], new Map())[2]).toMatchObject({
      status: "pruned",
      trained: 1,
      epochs: [2, 2],
      reason: "pruned after epoch 2: rank 3 of 3",
    });
  });

  it("has no mean where a seed diverged", () => {
    const objectives = new Map<string, Metric>([
      ["0.1", 0.5],
      ["1.1", "diverged"],
    ]);
    expect(rowsOf(sweep({}), [0, 1], objectives)[1]?.objective).toBe("diverged");
  });
});

describe("the order of arms", () => {
  const rows = [
    row(0, { objective: 0.5 }),
    row(1, { status: "pruned", epochs: [2, 2], objective: 0.1 }),
    row(2, { status: "pruned", epochs: [9, 9], objective: 0.9 }),
    row(3, { objective: 0.4 }),
    row(4, { status: "diverged", objective: "diverged" }),
    row(5, {}),
  ];
  const arms = (sorted: Row[]) => sorted.map(({ arm }) => arm);

  it("puts the live first, then those that got further", () => {
    expect(arms(rows.toSorted(byStanding("min")))).toEqual([3, 0, 5, 2, 1, 4]);
  });

  it("puts plain before the levels", () => {
    expect(arms(rows.toReversed().toSorted(byLevel))).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
