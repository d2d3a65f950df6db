import { describe, expect, it } from "vitest";
import type { TroubledWorker } from "../../api/types";
import { initialState, type Worker } from "../state";
import { aDetail } from "../testing";
import { strangers, troubleOf } from "./trouble";

const worker: Worker = {
  name: "a",
  fingerprint: "flex",
  segment: null,
  attempt: 1,
  lost: false,
  trouble: null,
  seen: "2026-01-01T00:00:00Z",
  epochs: 0,
  recent: [],
};

const told = (name: string, second: number): TroubledWorker => ({
  worker: name,
  message: `at ${second}`,
  next_try_at: new Date(second * 1_000).toISOString(),
});

describe("a worker in trouble", () => {
  it("is told of by the later word of the log and the server", () => {
    expect(troubleOf(worker, [])).toBeNull();
    expect(troubleOf(worker, [told("b", 1)])).toBeNull();
    expect(troubleOf(worker, [told("a", 1)])).toEqual({ message: "at 1", next: 1_000 });
    const known = { ...worker, trouble: { message: "known", next: 5_000 } };
    expect(troubleOf(known, [])?.message).toBe("known");
    expect(troubleOf(known, [told("a", 9)])?.message).toBe("at 9");
    expect(troubleOf(known, [told("a", 2)])?.message).toBe("known");
  });

  it("has none while it trains", () => {
    expect(troubleOf({ ...worker, segment: 3 }, [told("a", 1)])).toBeNull();
  });

  it("is named though it has taken nothing of the sweep", () => {
    const state = { ...initialState(aDetail()), workers: new Map([["a", worker]]) };
    const named = strangers(state, [told("a", 1), told("b", 2)]);
    expect(named).toEqual([{ name: "b", trouble: { message: "at 2", next: 2_000 } }]);
  });
});
