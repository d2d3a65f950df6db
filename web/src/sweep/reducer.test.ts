import { describe, expect, it } from "vitest";
import type { Decision, Entry, Event, LogLine } from "../api/types";
import { reduce } from "./reducer";
import { initialState, withDetail, type SweepState } from "./state";
import { aBest, aDetail, aRow, aSegment } from "./testing";

/** Entries with rising places from `first` on. */
function entries(steps: readonly (readonly [Event, ...Decision[]])[], first = 1): Entry[] {
  return steps.map(([event, ...decisions], i) => ({
    sweep: aDetail().id,
    seq: first + i,
    at: "2026-01-01T00:00:00Z",
    event,
    decisions,
    lines: [],
  }));
}

const enqueue = (segment: number, family: number, arms: number[][]): Decision => ({
  action: "enqueue",
  segment: aSegment({ segment, family, arms }),
  reason: "to the first rung",
});
const submitted: Event = { type: "submitted", spec: aDetail().spec };
const reported = (segment: number, rows: ReturnType<typeof aRow>[], redone = 0): Event => ({
  type: "reported",
  segment,
  attempt: 1,
  rows,
  redone,
});
const claimed = (segment: number, attempt = 1): Event => ({
  type: "claimed",
  segment,
  attempt,
  worker: "w",
  fingerprint: "f",
});

function fold(log: readonly Entry[], from: SweepState = initialState(aDetail())): SweepState {
  return log.reduce(reduce, from);
}

const start = entries([
  [submitted, enqueue(0, 0, [[0], [1], [2]]), enqueue(1, 1, [[0], [1], [2]])],
  [claimed(0)],
]);

describe("rows", () => {
  it("belong to the family of their segment", () => {
    const state = fold([...start, ...entries([[reported(1, [aRow([2], 1, 0.5)])]], 3)]);
    expect(state.trials[0]?.[2]?.curve.metrics["val_loss"] ?? []).toEqual([]);
    expect(state.trials[1]?.[2]?.curve.metrics["val_loss"] ?? []).toEqual([0.5]);
    expect(state.trials[1]?.[2]?.epochs).toBe(1);
  });

  it("stand for all their arms", () => {
    const rows = [aRow([0, 1, 2], 1, 0.9), aRow([0, 1], 2, 0.8), aRow([2], 2, 0.7)];
    const state = fold([...start, ...entries([[reported(0, rows)]], 3)]);
    expect(state.trials[0]?.map((trial) => trial.curve.metrics["val_loss"] ?? [])).toEqual([
      [0.9, 0.8],
      [0.9, 0.8],
      [0.9, 0.7],
    ]);
  });

  it("bring their onset, which then stays", () => {
    const state = fold([
      ...start,
      ...entries(
        [
          [reported(0, [aRow([1], 1, 0.9)])],
          [reported(0, [{ ...aRow([1], 2, 0.8), onset_step: 25 }])],
          [reported(0, [aRow([1], 3, 0.7)])],
        ],
        3,
      ),
    ]);
    expect(state.trials[0]?.[1]).toMatchObject({ epochs: 3, onsetStep: 25 });
    expect(state.trials[0]?.[0]?.onsetStep).toBeNull();
  });

  it("that diverged are gaps", () => {
    const row = { ...aRow([1], 2, "diverged"), train_loss: "diverged" as const };
    const state = fold([...start, ...entries([[reported(0, [aRow([1], 1, 0.9), row])]], 3)]);
    expect(state.trials[0]?.[1]?.curve).toEqual({
      train: [1, null],
      metrics: { val_loss: [0.9, null], val_error: [0.5, 0.5] },
      diagnostics: [undefined, undefined],
    });
  });

  it("bring how training went, where the worker tells", () => {
    const diagnostics = { grad_norm: 0.9, ascending: 0.45, flooded_steps: 9 };
    const rows = [aRow([1], 1, 0.9), { ...aRow([1], 2, 0.8), diagnostics }];
    const state = fold([...start, ...entries([[reported(0, rows)]], 3)]);
    expect(state.trials[0]?.[1]?.curve.diagnostics).toEqual([undefined, diagnostics]);
  });

  it("of a segment that nobody asked for change nothing", () => {
    const before = fold(start);
    const after = fold(entries([[reported(9, [aRow([1], 1, 0.9)])]], 3), before);
    expect(after.trials).toBe(before.trials);
  });
});

describe("a stream that goes on after a break", () => {
  const log = [
    ...start,
    ...entries(
      [
        [reported(0, [aRow([0, 1, 2], 1, 0.9)])],
        [reported(0, [aRow([0, 1, 2], 2, 0.8)])],
        [
          { type: "finished", segment: 0, attempt: 1, branches: [] },
          { action: "prune", trial: { family: 0, arm: 2 }, rung: 0, reason: "rank 3 of 3" },
        ],
      ],
      3,
    ),
  ];

  it("may repeat entries without doubling them", () => {
    expect(fold([...log.slice(0, 4), ...log.slice(1)])).toEqual(fold(log));
    const done = fold(log);
    expect(fold(log, done)).toBe(done);
  });

  it("ends in the same state wherever it broke", () => {
    for (let at = 0; at <= log.length; at += 1) {
      expect(fold(log.slice(at), fold(log.slice(0, at)))).toEqual(fold(log));
    }
  });

  it("leaves earlier states as they were", () => {
    const before = fold(log.slice(0, 3));
    const copy = structuredClone(before);
    fold(log.slice(3), before);
    expect(before).toEqual(copy);
  });

  it("takes up work that was lost where its rows end", () => {
    const lost: Entry[] = entries(
      [
        [
          { type: "lost", segment: 0, attempt: 1 },
          { action: "retry", segment: 0, reason: "its lease expired" },
        ],
        [claimed(0, 2)],
        [reported(0, [aRow([0, 1], 3, 0.7)], 2)],
      ],
      5,
    );
    const state = fold([...log.slice(0, 4), ...lost]);
    expect(state.trials[0]?.[1]?.curve.metrics["val_loss"]).toEqual([0.9, 0.8, 0.7]);
  });
});

describe("decisions", () => {
  const decided = (...decisions: Decision[]) =>
    fold([...start, ...entries([[reported(0, []), ...decisions]], 3)]);

  it("make trials active, and tell why they end", () => {
    expect(fold(start).trials[0]?.[1]).toMatchObject({ status: "active" });
    const trial = { family: 0, arm: 1 };
    expect(
      decided({ action: "prune", trial, rung: 0, reason: "rank 2 of 2" }).trials[0]?.[1],
    ).toMatchObject({ status: "pruned", reason: "rank 2 of 2" });
    expect(
      decided({ action: "end", trial, end: "diverged", reason: "a loss was NaN" }).trials[0]?.[1],
    ).toMatchObject({ status: "diverged" });
  });

  it("to add arms let them lie dormant in every family, once", () => {
    const arm = aDetail().arms_list.length;
    const added = { arm, name: "flood b=0.3", method: "flood", b: 0.3, parameter: 0.3 };
    const grow: Decision = { action: "grow", arms: [added], reason: "the best lies at an end" };
    const grown = decided(grow, grow);
    expect(grown.detail.arms_list[arm]).toEqual(added);
    expect(grown.trials.map((members) => members.map(({ arm }) => arm))).toEqual(
      grown.trials.map(() => [...Array(arm + 1).keys()]),
    );
    expect(grown.trials[1]?.[arm]).toMatchObject({ family: 1, status: "dormant", epochs: 0 });
  });

  it("to wake a dormant trial give it the epochs that it shares with its trunk", () => {
    const trial = { family: 0, arm: 2 };
    const rows = [aRow([0], 1, 0.9), aRow([0], 2, 0.8)];
    const wake: Decision = { action: "wake", trial, epochs: 1, reason: "between two survivors" };
    const woken = fold([...start, ...entries([[reported(0, rows), wake]], 3)]);
    expect(woken.trials[0]?.[2]).toMatchObject({ status: "active", epochs: 1 });
    expect(woken.trials[0]?.[2]?.curve.metrics["val_loss"] ?? []).toEqual([0.9]);
  });

  it("to test leave trials as they ended", () => {
    const state = decided(
      { action: "end", trial: { family: 0, arm: 1 }, end: "completed", reason: "all epochs" },
      {
        action: "enqueue",
        segment: { ...aSegment({ segment: 7, family: 0, arms: [[1]] }), kind: "test" },
        reason: "test metrics",
      },
    );
    expect(state.trials[0]?.[1]?.status).toBe("completed");
  });

  it("to complete bring the answer", () => {
    const best = aBest();
    const state = decided({ action: "complete", best, reason: "every trial has ended" });
    expect(state).toMatchObject({ status: "completed", answer: best });
  });

  it("to cancel end what hasn't ended", () => {
    const state = decided(
      { action: "prune", trial: { family: 0, arm: 2 }, rung: 0, reason: "rank 3" },
      { action: "cancel", reason: "a user asked" },
    );
    expect(state.status).toBe("cancelled");
    expect(state.trials[0]?.map(({ status }) => status)).toEqual([
      "cancelled",
      "cancelled",
      "pruned",
    ]);
  });

  it("to fail end the sweep", () => {
    const state = decided({ action: "fail", reason: "the plain run failed" });
    expect(state).toMatchObject({ status: "failed", endReason: "the plain run failed" });
  });
});

it("a sweep waits until a worker takes some of it", () => {
  expect(fold(start.slice(0, 1)).status).toBe("queued");
  expect(fold(start).status).toBe("running");
});

describe("a pause", () => {
  const paused = entries([[{ type: "pause_requested" }]], 3);

  it("lasts until the sweep is resumed, and touches no trial", () => {
    const before = fold(start);
    const state = fold(paused, before);
    expect(state.status).toBe("paused");
    expect(state.trials).toBe(before.trials);
    expect(fold(entries([[{ type: "resumed" }]], 4), state).status).toBe("running");
  });

  it("isn't ended by what a worker had taken or trained when it was asked for", () => {
    const late = entries([[claimed(1)], [reported(0, [aRow([0, 1, 2], 1, 0.9)])]], 4);
    const state = fold(late, fold(paused, fold(start)));
    expect(state.status).toBe("paused");
    expect(state.trials[0]?.[2]?.curve.metrics["val_loss"] ?? []).toEqual([0.9]);
  });

  it("of a sweep that nobody has begun ends in its waiting for a worker again", () => {
    const log = entries([[submitted], [{ type: "pause_requested" }], [{ type: "resumed" }]]);
    expect(fold(log.slice(0, 2))).toMatchObject({ status: "paused", started: null });
    expect(fold(log)).toMatchObject({ status: "queued", started: null });
  });

  it("can end in a cancellation", () => {
    const end = entries(
      [[{ type: "cancel_requested" }, { action: "cancel", reason: "a user asked" }]],
      4,
    );
    expect(fold(end, fold(paused, fold(start))).status).toBe("cancelled");
  });
});

describe("an extension", () => {
  const done = fold([
    ...start,
    ...entries(
      [
        [reported(0, [aRow([0, 1, 2], 1, 0.9)])],
        [
          { type: "finished", segment: 0, attempt: 1, branches: [] },
          {
            action: "end",
            trial: { family: 0, arm: 1 },
            end: "completed",
            reason: "trained all 4 epochs",
          },
          { action: "complete", best: aBest(), reason: "every trial has ended" },
        ],
      ],
      3,
    ),
  ]);
  const extended: Event = { type: "extended", seeds: [2], levels: [0.3], epochs: 8 };

  it("takes a completed sweep up again: its answer no longer stands, its curves do", () => {
    const state = fold(entries([[extended]], 5), done);
    expect(state).toMatchObject({ status: "running", answer: null, endReason: "" });
    expect(state.trials).toBe(done.trials);
  });

  it("is about arms and families that are known once the sweep is told anew", () => {
    const detail = aDetail();
    const grown = {
      ...detail,
      epochs: 8,
      arms_list: [
        ...detail.arms_list,
        { arm: 3, name: "flood b=0.3", method: "flood", b: 0.3, parameter: 0.3 },
      ],
      families: [...detail.families, { family: 2, seed: 2, weight_decay: 0 }],
    };
    // A level that was never reached is woken and ends in the very entry that adds it.
    const trial = { family: 0, arm: 3 };
    const wake: Decision = { action: "wake", trial, epochs: 1, reason: "added" };
    const end: Decision = { action: "end", trial, end: "completed", reason: "it is the plain run" };
    const log = entries(
      [[extended, wake, end, enqueue(2, 2, [[0], [3]])], [reported(2, [aRow([3], 1, 0.6)])]],
      5,
    );
    const state = fold(log, withDetail(done, grown));
    expect(state.trials.map((members) => members.length)).toEqual([4, 4, 4]);
    expect(state.trials[0]?.[1]).toBe(done.trials[0]?.[1]);
    expect(state.trials[0]?.[3]).toMatchObject({ status: "completed", epochs: 1 });
    expect(state.trials[2]?.[3]?.curve.metrics["val_loss"] ?? []).toEqual([0.6]);
  });

  it("ends with an answer of its own", () => {
    const best = { ...aBest(), verdict: "another" };
    const log = entries(
      [
        [extended],
        [
          { type: "lost", segment: 0, attempt: 1 },
          { action: "complete", best, reason: "every trial has ended" },
        ],
      ],
      5,
    );
    expect(fold(log, done)).toMatchObject({ status: "completed", answer: best });
  });
});

describe("a family that starts over", () => {
  const pruned: Decision = {
    action: "prune",
    trial: { family: 0, arm: 2 },
    rung: 0,
    reason: "others did better",
  };
  const again: Decision = {
    action: "again",
    trial: { family: 0, arm: 2 },
    reason: "its machine is gone",
  };
  const before = fold([
    ...start,
    ...entries(
      [
        [reported(0, [aRow([0, 1, 2], 1, 0.9)])],
        [reported(1, [aRow([0, 1, 2], 1, 0.8)])],
        [{ type: "finished", segment: 0, attempt: 1, branches: [] }, pruned],
      ],
      3,
    ),
  ]);
  const over: Event = { type: "started_over", family: 0, fingerprint: "f" };
  const after = fold(entries([[over, again, enqueue(2, 0, [[0], [1], [2]])]], 6), before);

  it("has no epochs any more, and the others keep theirs", () => {
    expect(after.trials[0]?.map(({ epochs }) => epochs)).toEqual([0, 0, 0]);
    expect(after.trials[0]?.[0]?.curve.metrics["val_loss"] ?? []).toEqual([]);
    expect(after.trials[1]?.map(({ epochs }) => epochs)).toEqual([1, 1, 1]);
    expect(before.trials[0]?.[0]?.epochs).toBe(1);
  });

  it("trains again what had ended, which then is what it was", () => {
    expect(after.trials[0]?.[2]?.status).toBe("active");
    const asBefore: Decision = {
      action: "as_before",
      trial: { family: 0, arm: 2 },
      status: "pruned",
      reason: "trained again to where it was",
    };
    const log = entries([[reported(2, [aRow([0, 1, 2], 1, 0.7)]), asBefore]], 7);
    const there = fold(log, after).trials[0]?.[2];
    expect(there).toMatchObject({ status: "pruned", epochs: 1 });
    expect(there?.curve.metrics["val_loss"]).toEqual([0.7]);
  });
});

describe("the log", () => {
  const line = (kind: string): LogLine => ({
    kind,
    text: "the sweep",
    reason: "",
    tone: "plain",
    news: false,
    arms: [],
  });

  it("is the lines of all entries, each with its entry's place and time", () => {
    const at = "2026-01-01T00:00:09Z";
    const lines = [line("claimed"), line("queued")];
    const log = start.map((entry, i) => (i === 1 ? { ...entry, at, lines } : entry));
    expect(fold(log).log).toEqual(lines.map((each) => ({ seq: 2, at, ...each })));
  });

  it("stays as it is where an entry has no line", () => {
    const before = fold(start);
    const after = fold(entries([[reported(0, [aRow([1], 1, 0.9)])]], 3), before);
    expect(after.log).toBe(before.log);
  });
});
