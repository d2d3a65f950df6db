import { describe, expect, it } from "vitest";
import type { Reason } from "../api/types";
import { dormantTrial, type Trial } from "./state";
import { endReason, endReasons, reasonsOf, sharing, isReasonOfEnd } from "./why";

const FAILED: Reason = { kind: "failed_too_often", failures: 3, message: "no such file" };
const LOST: Reason = { kind: "lost_too_often", losses: 3 };
const CANCELLED: Reason = { kind: "asked" };

/** A comparison of probes, whose windows of epochs differ by seed. */
function probed(from: number, rank: number): Reason {
  return {
    kind: "probed",
    fate: "pruned",
    comparison: {
      metric: "val_loss",
      value: 0.7,
      from_epoch: from,
      to_epoch: from + 2,
      seeds: 2,
      rank,
      count: 5,
    },
    chosen: { arm: 1, name: "flood b=0.1", method: "flood", b: 0.1, parameter: 0.1 },
  };
}

function trial(family: number, change: Partial<Trial>): Trial {
  return { ...dormantTrial(family, 1), epochs: 4, status: "pruned", ...change };
}

describe("the reasons of an arm's seeds", () => {
  it("are told once where they differ by what is of one seed alone", () => {
    const first = trial(0, { reason: "the first words", why: probed(1, 2) });
    const other = (from: number, rank: number) =>
      trial(1, { reason: "other words", why: probed(from, rank) });
    expect(reasonsOf([first, other(2, 2)])).toBe("the first words (1 other seed alike)");
    expect(reasonsOf([first, other(1, 2)])).toBe("the first words");
    expect(reasonsOf([first, other(1, 3)])).toBe("the first words; other words");
  });

  it("are each told where the words alone are known", () => {
    const trials = [0, 1].map((family) => trial(family, { status: "active", reason: "same" }));
    expect(reasonsOf(trials)).toBe("same; same");
  });
});

describe("how a trial ended", () => {
  it("is said once, whether its reason says so or not", () => {
    expect(endReason(trial(0, { reason: "whatever", why: probed(1, 2) }))).toBe("whatever");
    const failed = trial(0, { status: "failed", reason: "no such file", why: FAILED });
    expect(endReason(failed)).toBe("failed after epoch 4: no such file");
    expect(endReason(trial(0, {}))).toBe("pruned after epoch 4");
  });

  it("is said once for seeds that ended alike", () => {
    const cancelled = (family: number, epochs: number) =>
      trial(family, { status: "cancelled", epochs, reason: "asked", why: CANCELLED });
    expect(endReasons([cancelled(0, 4), cancelled(1, 4)])).toBe("cancelled after epoch 4: asked");
    expect(endReasons([cancelled(0, 4), cancelled(1, 6)])).toBe(
      "cancelled after epoch 4: asked; cancelled after epoch 6: asked",
    );
  });
});

describe("a reason that all trials share", () => {
  const because = (why: Reason | undefined, reason: string) => trial(0, { reason, why });

  it("is known by its data, whatever its words", () => {
    const first = because(FAILED, "some words");
    expect(sharing([first, because(FAILED, "other words")])).toBe(first);
    expect(sharing([first, because(LOST, "some words")])).toBeUndefined();
    expect(sharing([because(undefined, "same"), because(undefined, "same")])).toBeUndefined();
    expect(sharing([first])).toBeUndefined();
    expect(sharing([])).toBeUndefined();
  });

  it("needs no word of its own where the sweep's end tells it", () => {
    const failed = because(FAILED, "words");
    const noAnswer = (first?: string): Reason => ({ kind: "no_answer", ...(first && { first }) });
    expect(isReasonOfEnd({ endWhy: noAnswer("in other words") }, failed)).toBe(true);
    expect(isReasonOfEnd({ endWhy: noAnswer() }, failed)).toBe(false);
    expect(isReasonOfEnd({ endWhy: CANCELLED }, because(CANCELLED, "words"))).toBe(true);
    expect(isReasonOfEnd({ endWhy: undefined }, because(undefined, "words"))).toBe(false);
  });
});
