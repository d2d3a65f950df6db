import { describe, expect, it } from "vitest";
import type { SweepSummary } from "../api/types";
import { aDetail } from "../sweep/testing";
import { ALL, isFound as found, merge, renew, update } from "./rows";

const row = (id: string, name = "digits"): SweepSummary => ({ ...aDetail(), id, name });
const isFound = (sweep: SweepSummary, search: string) => found(sweep, { ...ALL, search });
const ids = (rows: readonly SweepSummary[]) => rows.map(({ id }) => id);

describe("a search", () => {
  const sweep = row("01a208c3-f750-744c-848e-0a6738d54d3b", "Digits, 20% noise");

  it("finds names by any part of them, whatever the case", () => {
    expect(isFound(sweep, "")).toBe(true);
    expect(isFound(sweep, "dIGits")).toBe(true);
    expect(isFound(sweep, "0% n")).toBe(true);
    expect(isFound(sweep, "spiral")).toBe(false);
  });

  it("finds ids by their beginning, if that is long enough to mean one", () => {
    expect(isFound(sweep, "01A208C3")).toBe(true);
    expect(isFound(sweep, sweep.id)).toBe(true);
    expect(isFound(sweep, "01a208c")).toBe(false);
    expect(isFound(sweep, "f750-744c")).toBe(false);
  });
});

describe("a status", () => {
  const running = { ...row("1"), status: "running" as const };
  const filter = { search: "dig", status: "running" as const };

  it("is wanted beside what is searched for", () => {
    expect(found(running, filter)).toBe(true);
    expect(found({ ...running, status: "failed" }, filter)).toBe(false);
    expect(found({ ...running, name: "spiral" }, filter)).toBe(false);
  });

  it("that a sweep leaves takes its row away", () => {
    expect(ids(update([row("2"), running], { ...running, epochs: 3 }, filter))).toEqual(["2", "1"]);
    expect(ids(update([row("2"), running], { ...running, status: "completed" }, filter))).toEqual([
      "2",
    ]);
  });
});

describe("the rows", () => {
  it("are newest first, each once and as last told", () => {
    const rows = merge([row("3"), row("1")], [row("2"), row("3", "told anew")]);
    expect(ids(rows)).toEqual(["3", "2", "1"]);
    expect(rows[0]?.name).toBe("told anew");
  });

  it("lose what a newer first page leaves out, and keep what is older than it", () => {
    const rows = [row("5"), row("4"), row("3"), row("2")];
    const page = { items: [row("5"), row("3")], next_cursor: "3" };
    expect(ids(renew(rows, page))).toEqual(["5", "3", "2"]);
    expect(ids(renew(rows, { ...page, next_cursor: null }))).toEqual(["5", "3"]);
    expect(renew(rows, { items: [], next_cursor: null })).toEqual([]);
  });
});
