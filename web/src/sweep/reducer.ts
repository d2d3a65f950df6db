/**
 * The event log of a sweep, folded: `(state, entry) → state`, pure.
 *
 * An entry that is already part of the state changes nothing, so a reconnect may repeat any.
 */

import type { Decision, Entry, ReportRow, SweepStatus, TrialKey, TrialStatus } from "../api/types";
import { logLines } from "./log";
import { pointOf, type Curve, type SweepState, type Trial } from "./state";

/** The state after one more entry. */
export function reduce(state: SweepState, entry: Entry): SweepState {
  if (entry.seq <= state.seq) return state;
  const after = entry.decisions.reduce(decide, happen(state, entry));
  // The lines name segments as they were before and after this entry.
  return { ...after, seq: entry.seq, log: [...state.log, ...logLines(after, entry)] };
}

/** What the event itself changes. */
function happen(state: SweepState, { event }: Entry): SweepState {
  switch (event.type) {
    case "claimed":
      // A worker may just have been given something when the sweep was paused.
      return state.status === "paused" ? state : { ...state, status: "running" };
    case "pause_requested":
      return { ...state, status: "paused" };
    case "resumed":
      return { ...state, status: "running" };
    case "extended":
      return { ...state, status: "running", answer: null, endReason: "" };
    case "reported":
      return report(state, event.segment, event.rows);
    case "finished":
      return event.branches.reduce((next, branch) => {
        const segment = next.segments.get(event.segment);
        if (!segment || branch.onset_step == null) return next;
        const onset = branch.onset_step;
        return changeTrials(next, segment.family, branch.arms, (trial) =>
          trial.onsetStep === null ? { ...trial, onsetStep: onset } : trial,
        );
      }, state);
    default:
      return state;
  }
}

/** What a decision changes. */
function decide(state: SweepState, decision: Decision): SweepState {
  const { reason } = decision;
  switch (decision.action) {
    case "enqueue": {
      const segments = new Map(state.segments).set(decision.segment.segment, decision.segment);
      const next = { ...state, segments };
      if (decision.segment.kind === "test") return next;
      const arms = decision.segment.branches.flatMap((branch) => branch.arms);
      return setStatus(next, decision.segment.family, arms, "active", reason);
    }
    case "promote":
      return setStatus(state, decision.trial.family, [decision.trial.arm], "active", reason);
    case "wake":
      return wake(state, decision.trial, decision.epochs, reason);
    case "rest":
      return setStatus(state, decision.trial.family, [decision.trial.arm], "dormant", reason);
    case "prune":
      return setStatus(state, decision.trial.family, [decision.trial.arm], "pruned", reason);
    case "end":
      return setStatus(state, decision.trial.family, [decision.trial.arm], decision.end, reason);
    case "complete":
      return { ...state, status: "completed", answer: decision.best, endReason: reason };
    case "fail":
      return endAll(state, "failed", "failed", reason);
    case "cancel":
      return endAll(state, "cancelled", "cancelled", reason);
    default:
      return state;
  }
}

/** Adds rows to the curves of all the arms that each stands for. */
function report(state: SweepState, segmentId: number, rows: readonly ReportRow[]): SweepState {
  const segment = state.segments.get(segmentId);
  if (!segment) return state;
  const byArm = new Map<number, ReportRow[]>();
  for (const row of rows) {
    for (const arm of row.arms) {
      const own = byArm.get(arm);
      if (own) own.push(row);
      else byArm.set(arm, [row]);
    }
  }
  return changeTrials(state, segment.family, [...byArm.keys()], (trial) => {
    const own = byArm.get(trial.arm) ?? [];
    return {
      ...trial,
      epochs: own.reduce((most, row) => Math.max(most, row.epoch), trial.epochs),
      onsetStep: own.reduce<number | null>(
        (known, row) => known ?? row.onset_step ?? null,
        trial.onsetStep,
      ),
      curve: extend(trial.curve, own),
    };
  });
}

/** A dormant trial goes on from its trunk, whose first epochs it shares. */
function wake(state: SweepState, { family, arm }: TrialKey, epochs: number, reason: string) {
  const trunk = state.trials[family]?.[0]?.curve;
  const shared = {
    train: trunk?.train.slice(0, epochs) ?? [],
    loss: trunk?.loss.slice(0, epochs) ?? [],
    error: trunk?.error.slice(0, epochs) ?? [],
    diagnostics: trunk?.diagnostics.slice(0, epochs) ?? [],
  };
  return changeTrials(state, family, [arm], (trial) => ({
    ...trial,
    status: "active",
    reason,
    epochs,
    curve: shared,
  }));
}

function extend(curve: Curve, rows: readonly ReportRow[]): Curve {
  const train = [...curve.train];
  const loss = [...curve.loss];
  const error = [...curve.error];
  const diagnostics = [...curve.diagnostics];
  for (const row of rows) {
    train[row.epoch - 1] = pointOf(row.train_loss);
    loss[row.epoch - 1] = pointOf(row.val_loss);
    error[row.epoch - 1] = pointOf(row.val_error);
    diagnostics[row.epoch - 1] = row.diagnostics ?? undefined;
  }
  return { train, loss, error, diagnostics };
}

function setStatus(
  state: SweepState,
  family: number,
  arms: readonly number[],
  status: TrialStatus,
  reason: string,
): SweepState {
  return changeTrials(state, family, arms, (trial) => ({ ...trial, status, reason }));
}

/** Ends the sweep and all of its trials that were trained. Dormant ones stay what they are. */
function endAll(
  state: SweepState,
  status: SweepStatus,
  trialStatus: TrialStatus,
  reason: string,
): SweepState {
  const trials = state.trials.map((family) =>
    family.map((trial) =>
      trial.status === "active" ? { ...trial, status: trialStatus, reason } : trial,
    ),
  );
  return { ...state, status, trials, endReason: reason };
}

function changeTrials(
  state: SweepState,
  family: number,
  arms: readonly number[],
  change: (trial: Trial) => Trial,
): SweepState {
  const trials = state.trials.map((members, ix) => {
    if (ix !== family) return members;
    const changed = [...members];
    for (const arm of arms) {
      const trial = changed[arm];
      if (trial) changed[arm] = change(trial);
    }
    return changed;
  });
  return { ...state, trials };
}
