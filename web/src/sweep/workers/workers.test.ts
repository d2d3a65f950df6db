import { describe, expect, it } from "vitest";
import type { Decision, Entry, Event } from "../../api/types";
import { reduceAll } from "../reducer";
import { initialState } from "../state";
import { aDetail, aRow, aSegment } from "../testing";
import { deviceOf, speedOf } from "./workers";

/** Entries a second apart. */
function log(...steps: (readonly [Event, ...Decision[]])[]): Entry[] {
  return steps.map(([event, ...decisions], i) => ({
    sweep: aDetail().id,
    seq: i + 1,
    at: `2026-01-01T00:00:0${i}Z`,
    event,
    decisions,
    lines: [],
  }));
}

const submitted: Event = { type: "submitted", spec: aDetail().spec };
const enqueue: Decision = {
  action: "enqueue",
  segment: aSegment({ segment: 0, family: 0, arms: [[0], [1], [2]] }),
  reason: "",
};
const claimed = (worker: string, attempt = 1): Event => ({
  type: "claimed",
  segment: 0,
  attempt,
  worker,
  fingerprint: "floodgauge 0.1.0 avx2 flex",
});
const reported = (epoch: number, attempt = 1, redone = 0): Event => ({
  type: "reported",
  segment: 0,
  attempt,
  redone,
  rows: [aRow([0, 1], epoch, 0.5), aRow([2], epoch, 0.4)],
});

function workersAfter(...steps: (readonly [Event, ...Decision[]])[]) {
  const state = reduceAll(initialState(aDetail()), log([submitted, enqueue], ...steps));
  return [...state.workers.values()];
}

describe("a worker", () => {
  it("trains what it took, and is as fast as its reports come", () => {
    const [worker] = workersAfter([claimed("a")], [reported(1)], [reported(2)]);
    expect(worker).toMatchObject({
      name: "a",
      segment: 0,
      epochs: 4,
      seen: "2026-01-01T00:00:03Z",
      lost: false,
    });
    expect(worker && speedOf(worker)).toBe(2);
    expect(deviceOf(worker?.fingerprint ?? "")).toBe("flex");
  });

  it("has no speed before its first report", () => {
    const [worker] = workersAfter([claimed("a")]);
    expect(worker && speedOf(worker)).toBeUndefined();
  });

  it("is idle once it has finished", () => {
    const finished: Event = { type: "finished", segment: 0, attempt: 1, branches: [] };
    expect(workersAfter([claimed("a")], [finished])).toMatchObject([
      { segment: null, lost: false },
    ]);
  });

  it("is lost once its lease has expired, and back once it reports", () => {
    const expired: Event = { type: "expired", segment: 0, attempt: 1, worker: "a" };
    const report: Event = { type: "reported", segment: 0, attempt: 1, rows: [], redone: 1 };
    const gone = { segment: 0, lost: true };
    expect(workersAfter([claimed("a")], [expired])).toMatchObject([gone]);
    expect(workersAfter([claimed("a")], [expired], [report])).toMatchObject([
      { segment: 0, lost: false },
    ]);
    const lost: Event = { type: "lost", segment: 0, attempt: 1 };
    expect(workersAfter([claimed("a")], [expired], [lost])).toMatchObject([
      { segment: null, lost: true },
    ]);
  });

  it("in trouble is idle and says why until it takes work again", () => {
    const back: Event = {
      type: "handed_back",
      segment: 0,
      attempt: 1,
      worker: "a",
      message: "its disk is full",
      retry_in_s: 4,
    };
    const next = Date.parse("2026-01-01T00:00:06Z");
    const before = workersAfter([claimed("a")], [back]);
    expect(before).toMatchObject([
      { segment: null, trouble: { message: "its disk is full", next } },
    ]);
    expect(workersAfter([claimed("a")], [back], [claimed("a", 2)])).toMatchObject([
      { segment: 0, trouble: null },
    ]);
  });

  it("that was lost stays in sight, as silent as it was", () => {
    const lost: Event = { type: "lost", segment: 0, attempt: 1 };
    expect(
      workersAfter([claimed("a")], [reported(1)], [lost], [claimed("b", 2)], [reported(2, 2, 1)]),
    ).toMatchObject([
      { name: "a", segment: null, lost: true, seen: "2026-01-01T00:00:02Z", epochs: 2 },
      { name: "b", segment: 0, attempt: 2, epochs: 3 },
    ]);
  });

  it("is freed of what is withdrawn", () => {
    const withdraw: Decision = { action: "withdraw", segment: 0, reason: "a user asked" };
    expect(workersAfter([claimed("a")], [{ type: "cancel_requested" }, withdraw])).toMatchObject([
      { segment: null },
    ]);
  });
});
