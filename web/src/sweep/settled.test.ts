import { describe, expect, it } from "vitest";
import { settledOf } from "./settled";
import { initialState, type SweepState } from "./state";
import { aBest, aDetail } from "./testing";

const begun = initialState(aDetail());
const of = (change: Partial<SweepState>) => settledOf({ ...begun, ...change }, aBest());
/** All that was trained to the end of two families of three arms. */
const closed = begun.trials.map((members) =>
  members.map((trial) => ({ ...trial, status: "completed" as const })),
);

describe("what is best", () => {
  it("is told of no sweep that goes on", () => {
    for (const status of ["queued", "running", "paused"] as const) {
      expect(of({ status, trials: closed })).toBeNull();
    }
  });

  it("is told once the sweep has completed, if anything is", () => {
    expect(of({ status: "completed" })).toEqual(aBest());
    const completed: SweepState = { ...begun, status: "completed" };
    expect(settledOf(completed, null)).toBeNull();
    expect(settledOf(completed, { ...aBest(), best: null })).toBeNull();
  });

  it("is told of one that ended early only where the best was trained to the end", () => {
    for (const status of ["cancelled", "failed"] as const) {
      expect(of({ status })).toBeNull();
      expect(of({ status, trials: closed })).toEqual(aBest());
    }
  });
});
