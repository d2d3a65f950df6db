/** Entries of the event log in words. */

import type { Branch, Decision, Entry, Family, Segment, TrialKey } from "../api/types";
import { formatLevel } from "../format";
import { armName, type LogLine, type SweepState } from "./state";

/** The lines that people see of an entry; none for reports that change nothing else. */
export function logLines(state: SweepState, entry: Entry): LogLine[] {
  const { seq, at } = entry;
  const line = (kind: string, text: string, reason = "", tone: LogLine["tone"] = "plain") => ({
    seq,
    at,
    kind,
    text,
    reason,
    tone,
  });
  const lines = [...eventLines(state, entry, line), ...decisionLines(state, entry.decisions, line)];
  const last = entry.decisions.at(-1);
  return last?.action === "fail" ? lines.map((each) => withoutReason(each, last)) : lines;
}

/** A sweep's failure gives the reason of all that failed with it; once is enough. */
function withoutReason(line: LogLine, failure: Decision): LogLine {
  const isWithin = line.reason !== failure.reason && failure.reason.includes(line.reason);
  return isWithin ? { ...line, reason: "" } : line;
}

type Line = (kind: string, text: string, reason?: string, tone?: LogLine["tone"]) => LogLine;

function eventLines(state: SweepState, { event }: Entry, line: Line): LogLine[] {
  switch (event.type) {
    case "submitted":
      return [line("submitted", `sweep “${event.spec.name}”`)];
    case "claimed": {
      const again = event.attempt > 1 ? `, attempt ${event.attempt}` : "";
      return [
        line("claimed", `${event.worker} took ${segmentWords(state, event.segment)}${again}`),
      ];
    }
    case "reported":
      return event.redone > 0
        ? [
            line(
              "redone",
              `${count(event.redone, "row")} of segment ${event.segment} trained again`,
            ),
          ]
        : [];
    case "nondeterminism":
      return [
        line(
          "nondeterminism",
          `${count(event.rows.length, "row")} of segment ${event.segment} came again with other bits; the first report stands`,
          "",
          "bad",
        ),
      ];
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
      return [line("finished", `segment ${event.segment}: ${what}`)];
    }
    case "failed":
      return [line("failed", `segment ${event.segment}`, event.message, "bad")];
    case "lost":
      return [line("lost", `segment ${event.segment}: its worker's lease expired`, "", "bad")];
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
        levels.length > 0 ? `levels ${levels.map(formatLevel).join(", ")}` : "",
        epochs != null ? `${epochs} epochs` : "",
      ].filter(Boolean);
      return [line("extended", `a user added ${parts.join("; ")}`)];
    }
  }
}

type End = Extract<Decision, { action: "end" }>;

/** As many trials as end alike in one line. */
const MANY = 3;

/** A line a decision, but one for many trials that end alike. */
function decisionLines(state: SweepState, decisions: readonly Decision[], line: Line): LogLine[] {
  const ends = decisions.filter((decision) => decision.action === "end");
  const told = new Set<string>();
  return decisions.flatMap((decision) => {
    if (decision.action !== "end") return [decisionLine(state, decision, line)];
    const alike = ends.filter((end) => likeness(end) === likeness(decision)).length;
    if (alike < MANY) return [decisionLine(state, decision, line)];
    if (told.has(likeness(decision))) return [];
    told.add(likeness(decision));
    return [endLine(decision, count(alike, "trial"), line)];
  });
}

function likeness({ end, reason }: End): string {
  return `${end} ${reason}`;
}

function endLine({ end, reason }: End, who: string, line: Line): LogLine {
  return line(end, who, reason, end === "completed" ? "good" : "bad");
}

function decisionLine(state: SweepState, decision: Decision, line: Line): LogLine {
  const { reason } = decision;
  switch (decision.action) {
    case "enqueue":
      return line("queued", segmentWords(state, decision.segment.segment), reason);
    case "retry":
      return line("retried", segmentWords(state, decision.segment), reason, "bad");
    case "withdraw":
      return line("withdrawn", segmentWords(state, decision.segment), reason);
    case "stop": {
      const { arms, at_epoch: epoch } = decision.stop;
      // At epoch 0 stands what ends wherever it is.
      const when = epoch === 0 ? `in segment ${decision.segment}, at once` : `after epoch ${epoch}`;
      return line("stopped", `${armsWords(state, arms)} ${when}`, reason);
    }
    case "promote":
      return line("kept", trialWords(state, decision.trial), reason, "good");
    case "wake":
      return line("woken", trialWords(state, decision.trial), reason);
    case "rest":
      return line("at rest", trialWords(state, decision.trial), reason);
    case "prune":
      return line("pruned", trialWords(state, decision.trial), reason);
    case "end":
      return endLine(decision, trialWords(state, decision.trial), line);
    case "complete": {
      const best = decision.best.best;
      const arm = state.detail.arms_list.find(({ name }) => name === best?.arm)?.arm;
      const words = arm === undefined ? "no answer" : `best: ${armName(state.detail, arm)}`;
      return line("completed", words, reason, "good");
    }
    case "fail":
      return line("failed", "the sweep", reason, "bad");
    case "cancel":
      return line("cancelled", "the sweep", reason);
  }
}

/** `arm flood b=0.07, seed 0`; the family only where there are several. */
function trialWords(state: SweepState, { family, arm }: TrialKey): string {
  const name = armName(state.detail, arm);
  const of = state.detail.families[family];
  return of && state.detail.families.length > 1 ? `${name}, ${familyWords(of)}` : name;
}

/** `segment 3: 7 arms, epochs 11–33`. */
function segmentWords(state: SweepState, id: number): string {
  const segment = state.segments.get(id);
  if (!segment) return `segment ${id}`;
  const family = state.detail.families[segment.family];
  const of = family && state.detail.families.length > 1 ? `${familyWords(family)}, ` : "";
  return `segment ${id}: ${of}${workWords(state, segment)}`;
}

function workWords(state: SweepState, segment: Segment): string {
  const names = armsWords(state, armsOf(segment.branches));
  if (segment.kind === "test") return `test metrics of ${names}`;
  const perEpoch = Math.max(1, state.detail.steps_per_epoch);
  const from = Math.floor(segment.from_step / perEpoch) + 1;
  const to = Math.ceil(segment.to_step / perEpoch);
  return `${names}, epochs ${from}–${to}`;
}

/** Up to two arms by name, more by their number. */
function armsWords(state: SweepState, arms: readonly number[]): string {
  return arms.length <= 2
    ? arms.map((arm) => armName(state.detail, arm)).join(" and ")
    : `${arms.length} arms`;
}

function armsOf(branches: readonly Branch[]): number[] {
  return branches.flatMap((branch) => branch.arms);
}

/** `seed 0, weight decay 0.001`. */
export function familyWords({ seed, weight_decay }: Family): string {
  return `seed ${seed}, weight decay ${formatLevel(weight_decay)}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
