/** Entries of the event log in words. */

import type { Branch, Decision, Entry, Family, Segment, TrialKey } from "../../api/types";
import { formatEpochs, formatLevel } from "../../format";
import { armName, type LogLine, type SweepState } from "../state";

/** The lines that people see of an entry; none for reports that change nothing else. */
export function logLines(state: SweepState, entry: Entry): LogLine[] {
  const { seq, at } = entry;
  const lines = [...eventLines(state, entry), ...decisionLines(state, entry.decisions)].map(
    (line) => ({ seq, at, ...line }),
  );
  const last = entry.decisions.at(-1);
  return last?.action === "fail" ? lines.map((each) => withoutReason(each, last)) : lines;
}

/** A sweep's failure gives the reason of all that failed with it; once is enough. */
function withoutReason(line: LogLine, failure: Decision): LogLine {
  const isWithin = line.reason !== failure.reason && failure.reason.includes(line.reason);
  return isWithin ? { ...line, reason: "" } : line;
}

type Line = Omit<LogLine, "seq" | "at">;

function line(kind: string, text: string, rest: Partial<Line> = {}): Line {
  return { kind, text, reason: "", tone: "plain", arms: [], ...rest };
}

function eventLines(state: SweepState, { event }: Entry): Line[] {
  switch (event.type) {
    case "submitted":
      return [line("submitted", `sweep “${event.spec.name}”`)];
    case "claimed": {
      const again = event.attempt > 1 ? `, attempt ${event.attempt}` : "";
      const what = segmentWords(state, event.segment) + again;
      return [
        line("claimed", `${event.worker} took ${what}`, { arms: armsOf(state, event.segment) }),
      ];
    }
    case "reported": {
      if (event.redone === 0) return [];
      const text = `${count(event.redone, "row")} of segment ${event.segment} trained again`;
      return [line("redone", text, { arms: armsOf(state, event.segment) })];
    }
    case "nondeterminism": {
      const text = `${count(event.rows.length, "row")} of segment ${event.segment} came again with other bits; the first report stands`;
      const arms = event.rows.flatMap((row) => row.arms);
      return [line("nondeterminism", text, { tone: "bad", arms })];
    }
    case "saved":
      return [];
    case "finished": {
      const ends = event.branches.map((branch) => branch.end);
      const of = (end: (typeof ends)[number]) => ends.filter((each) => each === end).length;
      const parts = [
        of("reached") ? `${of("reached")} reached the end` : "",
        of("stopped") ? `${of("stopped")} stopped` : "",
        of("diverged") ? `${of("diverged")} diverged` : "",
      ].filter(Boolean);
      const isTest = state.segments.get(event.segment)?.kind === "test";
      const what = isTest ? count(ends.length, "checkpoint") + " tested" : parts.join(", ");
      const arms = event.branches.flatMap((branch) => branch.arms);
      return [line("finished", `segment ${event.segment}: ${what}`, { arms })];
    }
    case "failed": {
      const { segment, message: reason } = event;
      const arms = armsOf(state, segment);
      return [line("failed", `segment ${segment}`, { reason, tone: "bad", arms })];
    }
    case "lost": {
      const arms = armsOf(state, event.segment);
      const text = `segment ${event.segment}: its worker's lease expired`;
      return [line("lost", text, { tone: "bad", arms })];
    }
    case "cancel_requested":
      return [line("cancelling", "a user asked to end the sweep")];
    case "pause_requested":
      return [line("pausing", "a user asked to give out no more of the sweep for now")];
    case "resumed":
      return [line("resumed", "a user let the sweep go on")];
    case "extended": {
      const { seeds = [], levels = [], epochs } = event;
      const parts = [
        seeds.length > 0 ? `seeds ${seeds.join(", ")}` : "",
        levels.length > 0 ? `levels ${levels.map((b) => formatLevel(b)).join(", ")}` : "",
        epochs != null ? formatEpochs(epochs) : "",
      ].filter(Boolean);
      return [line("extended", `a user added ${parts.join("; ")}`)];
    }
    default:
      return [line("unread", "an entry that can't be read", { tone: "bad" })];
  }
}

type End = Extract<Decision, { action: "end" }>;

/** As many trials as end alike in one line. */
const MANY = 3;

/** A line a decision, but one for many trials that end alike. */
function decisionLines(state: SweepState, decisions: readonly Decision[]): Line[] {
  const ends = decisions.filter((decision) => decision.action === "end");
  const told = new Set<string>();
  return decisions.flatMap((decision) => {
    if (decision.action !== "end") return [decisionLine(state, decision)];
    const alike = ends.filter((end) => likeness(end) === likeness(decision));
    if (alike.length < MANY) return [decisionLine(state, decision)];
    if (told.has(likeness(decision))) return [];
    told.add(likeness(decision));
    const arms = [...new Set(alike.map(({ trial }) => trial.arm))];
    return [endLine(decision, count(alike.length, "trial"), arms)];
  });
}

function likeness({ end, reason }: End): string {
  return `${end} ${reason}`;
}

function endLine({ end, reason }: End, who: string, arms: readonly number[]): Line {
  return line(end, who, { reason, tone: end === "completed" ? "good" : "bad", arms });
}

function decisionLine(state: SweepState, decision: Decision): Line {
  const { reason } = decision;
  switch (decision.action) {
    case "enqueue": {
      const id = decision.segment.segment;
      return line("queued", segmentWords(state, id), { reason, arms: armsOf(state, id) });
    }
    case "retry":
    case "withdraw": {
      const [kind, tone] =
        decision.action === "retry"
          ? (["retried", "bad"] as const)
          : (["withdrawn", "plain"] as const);
      const arms = armsOf(state, decision.segment);
      return line(kind, segmentWords(state, decision.segment), { reason, tone, arms });
    }
    case "stop": {
      const { arms, at_epoch: epoch } = decision.stop;
      // At epoch 0 stands what ends wherever it is.
      const when = epoch === 0 ? `in segment ${decision.segment}, at once` : `after epoch ${epoch}`;
      return line("stopped", `${armsWords(state, arms)} ${when}`, { reason, arms });
    }
    case "grow": {
      const arms = decision.arms.map(({ arm }) => arm);
      return line("added", count(arms.length, "arm"), { reason, arms });
    }
    case "promote":
      return trialLine(state, "kept", decision, "good");
    case "wake":
      return trialLine(state, "woken", decision);
    case "rest":
      return trialLine(state, "at rest", decision);
    case "prune":
      return trialLine(state, "pruned", decision);
    case "end":
      return endLine(decision, trialWords(state, decision.trial), [decision.trial.arm]);
    case "complete": {
      const best = decision.best.best;
      const words = best ? `best: ${armName(state.detail, best.arm)}` : "no answer";
      return line("completed", words, { reason, tone: "good" });
    }
    case "fail":
      return line("failed", "the sweep", { reason, tone: "bad" });
    case "cancel":
      return line("cancelled", "the sweep", { reason });
  }
}

type OfTrial = Extract<Decision, { action: "promote" | "wake" | "rest" | "prune" }>;

function trialLine(
  state: SweepState,
  kind: string,
  { trial, reason }: OfTrial,
  tone: LogLine["tone"] = "plain",
): Line {
  return line(kind, trialWords(state, trial), { reason, tone, arms: [trial.arm] });
}

/** `flood b=0.07, seed 0`; the family only where there are several. */
function trialWords(state: SweepState, { family, arm }: TrialKey): string {
  const name = armName(state.detail, arm);
  const of = state.detail.families[family];
  return of && state.detail.families.length > 1 ? `${name}, ${familyWords(of)}` : name;
}

/** `segment 3: 7 arms, epochs 11–33`. */
export function segmentWords(state: SweepState, id: number): string {
  const segment = state.segments.get(id);
  if (!segment) return `segment ${id}`;
  const family = state.detail.families[segment.family];
  const of = family && state.detail.families.length > 1 ? `${familyWords(family)}, ` : "";
  return `segment ${id}: ${of}${workWords(state, segment)}`;
}

function workWords(state: SweepState, segment: Segment): string {
  const names = armsWords(state, armsIn(segment.branches));
  if (segment.kind === "test") return `test metrics of ${names}`;
  const [from, to] = epochsOf(state, segment);
  return `${names}, epochs ${from}–${to}`;
}

/** The first and the last epoch of a segment. */
export function epochsOf(state: SweepState, segment: Segment): [number, number] {
  const perEpoch = Math.max(1, state.detail.steps_per_epoch);
  return [Math.floor(segment.from_step / perEpoch) + 1, Math.ceil(segment.to_step / perEpoch)];
}

/** Up to two arms by name, more by their number. */
export function armsWords(state: SweepState, arms: readonly number[]): string {
  return arms.length <= 2
    ? arms.map((arm) => armName(state.detail, arm)).join(" and ")
    : `${arms.length} arms`;
}

/** The arms of branches. */
export function armsIn(branches: readonly Branch[]): number[] {
  return branches.flatMap((branch) => branch.arms);
}

function armsOf(state: SweepState, segment: number): number[] {
  return armsIn(state.segments.get(segment)?.branches ?? []);
}

/** `seed 0, weight decay 0.001`. */
export function familyWords({ seed, weight_decay }: Family): string {
  return `seed ${seed}, weight decay ${formatLevel(weight_decay)}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
