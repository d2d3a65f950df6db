import { describe, expect, it } from "vitest";
import { aDetail } from "../testing";
import { barEnd, decided, nothingOf, sharesOf } from "./shares";

const none = { spent: 0, saved_by_sharing: 0, saved_by_pruning: 0, redone: 0, left_behind: 0 };

describe("the full grid in parts", () => {
  it("is what was trained, what was shared and what was pruned", () => {
    const runs = {
      spent: 2,
      full_grid: 20,
      saved_by_sharing: 4,
      saved_by_pruning: 14,
      redone: 0.5,
      left_behind: 0,
    };
    expect(sharesOf(runs)).toEqual([
      { part: "trained", runs: 2, share: 0.1 },
      { part: "shared", runs: 4, share: 0.2 },
      { part: "pruned", runs: 14, share: 0.7 },
    ]);
    expect(barEnd(runs)).toBe(20);
  });

  it("has an open part while the sweep goes on", () => {
    expect(sharesOf({ ...none, spent: 5, full_grid: 20 })).toEqual([
      { part: "trained", runs: 5, share: 0.25 },
      { part: "open", runs: 15, share: 0.75 },
    ]);
  });

  it("leaves out what is but a rounding", () => {
    const runs = { spent: 0.1 + 0.2, full_grid: 0.6, saved_by_sharing: 0.3, saved_by_pruning: 0 };
    expect(sharesOf({ ...none, ...runs }).map(({ part }) => part)).toEqual(["trained", "shared"]);
  });

  it("may be less than a sweep has cost", () => {
    expect(barEnd({ ...none, spent: 2.5, full_grid: 2 })).toBe(2.5);
  });

  it("keeps a place for each part while the sweep goes on", () => {
    const parts = sharesOf({ ...none, full_grid: 20 }, true).map(({ part }) => part);
    expect(parts).toEqual(["trained", "shared", "pruned", "open"]);
  });

  it("counts as saved only what is decided", () => {
    const runs = { ...none, spent: 1, full_grid: 20, saved_by_pruning: 15 };
    expect(sharesOf(decided(runs, 0)).map(({ part, runs }) => [part, runs])).toEqual([
      ["trained", 1],
      ["open", 19],
    ]);
    expect(decided(runs, 4).saved_by_pruning).toBe(4);
    expect(decided(runs, 99)).toEqual(runs);
  });

  it("has all of it open where nobody has begun", () => {
    expect(nothingOf(aDetail())).toEqual({ ...none, full_grid: 6 });
  });
});
