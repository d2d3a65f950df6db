import { describe, expect, it } from "vitest";
import { initialState, type SweepState, type Trial } from "../state";
import { aDetail } from "../testing";
import { preliminaryOf, preliminaryWords } from "./preliminary";

const PROBES = { name: "probes", counts: { of: "probes", added: false } } as const;

/** Plain and two levels of one seed, each with these values of the metric; a level departs at a step. */
function stateOf(
  curves: readonly (readonly (number | null)[])[],
  { onsets = [], probes = false, status = [] }: Partial<Change> = {},
): SweepState {
  const detail = { ...aDetail(), stages: probes ? [PROBES] : aDetail().stages };
  const begun = initialState(detail);
  const trials = begun.trials.slice(0, 1).map((members) =>
    members.map((trial, arm): Trial => {
      const values = curves[arm] ?? [];
      return {
        ...trial,
        status: status[arm] ?? (values.length > 0 ? "active" : "dormant"),
        epochs: values.length,
        onsetStep: onsets[arm] ?? null,
        curve: { ...trial.curve, metrics: { val_loss: values } },
      };
    }),
  );
  return { ...begun, status: "running", trials };
}

interface Change {
  onsets: readonly (number | null)[];
  probes: boolean;
  status: readonly Trial["status"][];
}

const of = (state: SweepState) => {
  const { epochs, sinceOnset, values } = preliminaryOf(state, [0]);
  return { epochs, sinceOnset, values: Object.fromEntries(values) };
};

describe("the preliminary standing", () => {
  it("compares arms of rungs after as many epochs as all have", () => {
    const state = stateOf([
      [5, 4, 3],
      [6, 5],
      [7, 6, 5, 4],
    ]);
    const values = { "0.0": 4, "0.1": 5, "0.2": 6 };
    expect(of(state)).toEqual({ epochs: 2, sinceOnset: false, values });
  });

  it("compares probes after as many epochs from their onset on, and plain with none", () => {
    // With 20 steps an epoch the one departs in its first epoch, the other in its third.
    const onsets = [null, 5, 45];
    const state = stateOf(
      [
        [9, 9, 9, 9],
        [8, 7, 6, 5],
        [9, 9, 4, 3],
      ],
      { onsets, probes: true },
    );
    expect(of(state)).toEqual({ epochs: 2, sinceOnset: true, values: { "0.1": 7, "0.2": 3 } });
  });

  it("isn't held back by who was pruned, and tells of that where it got as far", () => {
    const status: Trial["status"][] = ["active", "pruned", "active"];
    const early = stateOf([[5, 4, 3], [6], [7, 6, 5]], { status });
    expect(of(early).values).toEqual({ "0.0": 3, "0.2": 5 });
    const late = stateOf(
      [
        [5, 4, 3],
        [6, 5, 4],
        [7, 6, 5],
      ],
      { status },
    );
    expect(of(late).values).toEqual({ "0.0": 3, "0.1": 4, "0.2": 5 });
  });

  it("has one that goes on alone stand beside those that it left behind", () => {
    const status: Trial["status"][] = ["pruned", "active", "pruned"];
    const state = stateOf([[5], [6, 5, 4, 3], [7, 6]], { status });
    expect(of(state)).toMatchObject({ epochs: 2, values: { "0.1": 5, "0.2": 6 } });
  });

  it("tells of a run that diverged", () => {
    expect(of(stateOf([[5], [null], [6]])).values).toMatchObject({ "0.1": "diverged" });
  });

  it("is none before there are two to compare", () => {
    const none = { epochs: 0, sinceOnset: false, values: {} };
    expect(of(stateOf([[5, 4]]))).toEqual(none);
    expect(of(stateOf([]))).toEqual(none);
  });

  it("says after how many epochs it is, and that it is none", () => {
    const said = (epochs: number, sinceOnset: boolean) =>
      preliminaryWords({ epochs, sinceOnset, values: new Map() }, "val_loss");
    expect(said(7, true)).toBe("Preliminary: val_loss after 7 epochs from each onset on.");
    expect(said(1, false)).toBe("Preliminary: val_loss after 1 epoch.");
    expect(said(0, true)).toBe("Preliminary: there are no two arms to compare yet.");
  });
});
