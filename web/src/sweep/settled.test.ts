import { describe, expect, it } from "vitest";
import { settledOf } from "./settled";
import { initialState, type SweepState } from "./state";
import { aBest, aDetail } from "./testing";

const begun = initialState(aDetail());
const of = (change: Partial<SweepState>) => settledOf({ ...begun, ...change }, aBest());

describe("what is best", () => {
  it("is told of no sweep that goes on", () => {
    for (const status of ["queued", "running", "paused"] as const) {
      expect(of({ status })).toBeNull();
    }
  });

  it("is told once the sweep has completed, if anything is", () => {
    expect(of({ status: "completed" })).toEqual(aBest());
    const completed: SweepState = { ...begun, status: "completed" };
    expect(settledOf(completed, null)).toBeNull();
    expect(settledOf(completed, { ...aBest(), best: null })).toBeNull();
  });

  it("is told of one that was cancelled or failed only where it is the answer before an extension", () => {
    const before = { ...aBest(), before_extension: true };
    for (const status of ["cancelled", "failed"] as const) {
      expect(of({ status })).toBeNull();
      expect(settledOf({ ...begun, status }, before)).toEqual(before);
      expect(settledOf({ ...begun, status }, { ...before, best: null })).toBeNull();
    }
  });
});
