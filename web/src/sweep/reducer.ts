/**
 * The event log of a sweep, folded: `(state, entry) → state`, pure.
 *
 * An entry that is already part of the state changes nothing, so a reconnect may repeat any.
 */

import type { Arm, Decision, Entry, Event, ReportRow, TrialKey, TrialStatus } from "../api/types";
import { Draft, mapValues } from "./draft";
import {
  dormantTrial,
  NO_CURVE,
  pointOf,
  valuesOf,
  type Because,
  type Choice,
  type SweepState,
} from "./state";
import { follow, release } from "./workers/workers";

/** The state after one more entry. */
export function reduce(state: SweepState, entry: Entry): SweepState {
  return reduceAll(state, [entry]);
}

/** The state after entries in the order of the log. */
export function reduceAll(state: SweepState, entries: readonly Entry[]): SweepState {
  const draft = new Draft(state);
  for (const entry of entries) fold(draft, entry);
  return draft.state.seq === state.seq ? state : draft.state;
}

function fold(draft: Draft, entry: Entry) {
  const { state } = draft;
  if (entry.seq <= state.seq) return;
  happen(draft, entry);
  for (const decision of entry.decisions) decide(draft, entry, decision);
  if (setsBack(entry)) state.setback = { seq: entry.seq, words: wordsOf(entry) };
  state.seq = entry.seq;
  state.newest = entry.at;
  if (entry.lines.length > 0) {
    const { seq, at } = entry;
    const log = draft.list(state.log);
    log.push(...entry.lines.map((line) => ({ seq, at, ...line })));
    state.log = log;
  }
}

/** Whether there is more to do after an entry than before it. */
function setsBack({ event, decisions }: Entry): boolean {
  if (event.type === "extended" || event.type === "started_over") return true;
  return decisions.some(({ action }) => action === "again");
}

/** The first of an entry's lines that says more than that something was decided. */
function wordsOf({ lines }: Entry): string {
  const line = lines.find(({ news }) => news) ?? lines[0];
  return line ? [line.text, line.reason].filter(Boolean).join(" — ") : "";
}

/** What the event itself changes. */
function happen(draft: Draft, entry: Entry) {
  const { event } = entry;
  follow(draft, entry);
  switch (event.type) {
    case "claimed":
      // A worker may just have been given something when the sweep was paused.
      if (draft.state.status !== "paused") draft.state.status = "running";
      draft.state.started ??= entry.at;
      return;
    case "pause_requested":
      draft.state.status = "paused";
      return;
    case "resumed":
      draft.state.status = draft.state.started === null ? "queued" : "running";
      return;
    case "extended":
      Object.assign(draft.state, { status: "running", answer: null });
      return endFor(draft, { reason: "", why: undefined });
    case "reported":
      return report(draft, event);
    case "started_over":
      return startOver(draft, event.family);
    case "finished":
      for (const { arms, onset_step: onset } of event.branches) {
        const segment = draft.state.segments.get(event.segment);
        if (!segment || onset == null) continue;
        for (const arm of arms) {
          const trial = draft.trial(segment.family, arm);
          if (trial) trial.onsetStep ??= onset;
        }
      }
      return;
    default:
  }
}

/** What a decision changes. */
function decide(draft: Draft, entry: Entry, decision: Decision) {
  const { state } = draft;
  const because = { reason: decision.reason, why: decision.why ?? undefined };
  switch (decision.action) {
    case "enqueue": {
      const { segment } = decision;
      const segments = draft.map(state.segments);
      segments.set(segment.segment, segment);
      state.segments = segments;
      if (segment.kind === "test") return;
      const arms = segment.branches.flatMap((branch) => branch.arms);
      return setStatus(draft, segment.family, arms, "active", because);
    }
    case "withdraw":
      return release(draft, decision.segment);
    case "promote":
      choose(draft, entry, decision, decision.rung, "kept");
      return setStatus(draft, decision.trial.family, [decision.trial.arm], "active", because);
    case "grow":
      return grow(draft, decision.arms, because);
    case "wake":
      wake(draft, decision.trial, decision.epochs, because);
      return choose(draft, entry, decision, rungBefore(state, entry), "woken");
    case "again":
    case "resume":
      return setStatus(draft, decision.trial.family, [decision.trial.arm], "active", because);
    case "as_before":
      return setStatus(
        draft,
        decision.trial.family,
        [decision.trial.arm],
        decision.status,
        because,
      );
    case "rest":
      return setStatus(draft, decision.trial.family, [decision.trial.arm], "dormant", because);
    case "prune":
      choose(draft, entry, decision, decision.rung, "pruned");
      return setStatus(draft, decision.trial.family, [decision.trial.arm], "pruned", because);
    case "end":
      return setStatus(draft, decision.trial.family, [decision.trial.arm], decision.end, because);
    case "complete":
      state.status = "completed";
      state.answer = decision.best;
      return endFor(draft, because);
    case "fail":
      return endAll(draft, "failed", because);
    case "cancel":
      return endAll(draft, "cancelled", because);
    default:
  }
}

/** Adds rows to the curves of all the arms that each stands for. */
function report(draft: Draft, { segment, rows }: Extract<Event, { type: "reported" }>) {
  const family = draft.state.segments.get(segment)?.family;
  if (family === undefined) return;
  for (const row of rows) {
    for (const arm of row.arms) addRow(draft, { family, arm }, row);
  }
}

function addRow(draft: Draft, { family, arm }: TrialKey, row: ReportRow) {
  const trial = draft.trial(family, arm);
  if (!trial) return;
  trial.epochs = Math.max(trial.epochs, row.epoch);
  trial.onsetStep ??= row.onset_step ?? null;
  const curve = draft.curve(trial);
  curve.train[row.epoch - 1] = pointOf(row.train_loss);
  for (const [name, value] of Object.entries(row.metrics)) {
    if (!Object.hasOwn(curve.metrics, name)) curve.metrics[name] = [];
    curve.metrics[name]![row.epoch - 1] = pointOf(value);
  }
  curve.diagnostics[row.epoch - 1] = row.diagnostics ?? undefined;
}

/** A family has no epochs any more; what was trained of it is no part of the answer. */
function startOver(draft: Draft, family: number) {
  const members = draft.state.trials[family] ?? [];
  for (const { arm } of members) {
    const trial = draft.trial(family, arm);
    if (trial) Object.assign(trial, { epochs: 0, onsetStep: null, curve: NO_CURVE });
  }
}

/** Arms beyond an end of the levels, dormant in every family. The detail may know them already. */
function grow(draft: Draft, added: readonly Arm[], because: Because) {
  const { state } = draft;
  const arms = added.filter(({ arm }) => !state.detail.arms_list[arm]);
  if (arms.length === 0) return;
  const arms_list = [...state.detail.arms_list, ...arms];
  state.detail = { ...state.detail, arms: arms_list.length, arms_list };
  state.trials = state.trials.map((members, family) => [
    ...members,
    ...arms.map(({ arm }) => dormantTrial(family, arm, because)),
  ]);
}

/** A dormant trial goes on from its trunk, whose first epochs it shares. */
function wake(draft: Draft, { family, arm }: TrialKey, epochs: number, because: Because) {
  const trunk = draft.state.trials[family]?.[0]?.curve;
  const trial = draft.trial(family, arm);
  if (!trial) return;
  Object.assign(trial, because);
  trial.status = "active";
  trial.epochs = epochs;
  trial.curve = {
    train: trunk?.train.slice(0, epochs) ?? [],
    metrics: mapValues(trunk?.metrics ?? {}, (points) => points.slice(0, epochs)),
    diagnostics: trunk?.diagnostics.slice(0, epochs) ?? [],
  };
}

/** A decision about one trial. */
type OfTrial = Extract<Decision, { trial: TrialKey }>;

/** Notes a decision of a rung, and where the trial stood when it fell. */
function choose(
  draft: Draft,
  { seq, at }: Entry,
  { trial: { family, arm }, reason, why }: OfTrial,
  rung: number,
  fate: Choice["fate"],
) {
  const { state } = draft;
  const trial = state.trials[family]?.[arm];
  const epochs = trial?.epochs ?? 0;
  const value = trial && valuesOf(trial.curve, state.detail.metric)[epochs - 1];
  const choices = draft.list(state.choices);
  const comparison = why && "comparison" in why ? why.comparison : undefined;
  const choice = { seq, at, rung, family, arm, fate, epochs, value, reason };
  choices.push(comparison ? { ...choice, comparison } : choice);
  state.choices = choices;
}

/** The rung that woke a trial: the one that decided with it, else the newest, else the first. */
function rungBefore({ choices }: SweepState, { decisions }: Entry): number {
  const beside = decisions.find(({ action }) => action === "prune" || action === "promote");
  if (beside && "rung" in beside) return beside.rung;
  return choices.at(-1)?.rung ?? 0;
}

function setStatus(
  draft: Draft,
  family: number,
  arms: readonly number[],
  status: TrialStatus,
  because: Because,
) {
  for (const arm of arms) {
    const trial = draft.trial(family, arm);
    if (trial) Object.assign(trial, { status, ...because });
  }
}

/** Ends the sweep and all of its trials that were trained. Dormant ones stay what they are. */
function endAll(draft: Draft, status: "failed" | "cancelled", because: Because) {
  draft.state.trials.forEach((members, family) => {
    const live = members.filter((trial) => trial.status === "active");
    const arms = live.map(({ arm }) => arm);
    setStatus(draft, family, arms, status, because);
  });
  draft.state.status = status;
  endFor(draft, because);
}

function endFor({ state }: Draft, { reason, why }: Because) {
  state.endReason = reason;
  state.endWhy = why;
}
