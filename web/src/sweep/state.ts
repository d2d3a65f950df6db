/** What the page knows of a sweep from its event log. */

import type {
  Arm,
  Best,
  Comparison,
  Diagnostics,
  LogLine as Line,
  Metric,
  Reason,
  Segment,
  SweepDetail,
  SweepStatus,
  TrialStatus,
} from "../api/types";
import { formatLevel } from "../format";

/** The curves of one arm in one family; position `i` holds epoch `i + 1`. */
export interface Curve {
  readonly train: readonly Point[];
  /** By name. */
  readonly metrics: Readonly<Record<string, readonly Point[]>>;
  /** How training went; undefined where the worker told nothing. */
  readonly diagnostics: readonly (Diagnostics | undefined)[];
}

/** A value; null where it diverged, undefined where nothing was reported. */
export type Point = number | null | undefined;

/** A metric as the chart draws it. */
export function pointOf(metric: Metric): Point {
  return metric === "diverged" ? null : metric;
}

/** The values of a metric; none where nothing was reported of it. */
export function valuesOf(curve: Curve, metric: string): readonly Point[] {
  // A metric may be called as something that every object has.
  return Object.hasOwn(curve.metrics, metric) ? (curve.metrics[metric] ?? NOTHING) : NOTHING;
}

const NOTHING: readonly Point[] = [];

export interface Trial {
  readonly family: number;
  readonly arm: number;
  readonly status: TrialStatus;
  /** Epochs reported. */
  readonly epochs: number;
  /** The first step whose mini-batch loss was below the arm's level. */
  readonly onsetStep: number | null;
  /** Why it has its status, in the scheduler's words. */
  readonly reason: string;
  /** The same as data; undefined where nothing was decided, or the words alone are known. */
  readonly why: Reason | undefined;
  readonly curve: Curve;
}

/** One line of the log, in the server's words. */
export interface LogLine extends Line {
  /** The entry that it is of, and when that was written. */
  readonly seq: number;
  readonly at: string;
}

/** A decision of a rung about one trial. */
export interface Choice {
  readonly seq: number;
  readonly at: string;
  readonly rung: number;
  readonly family: number;
  readonly arm: number;
  /** Whether it went on, ended, or began to be trained. */
  readonly fate: "kept" | "pruned" | "woken";
  /** Epochs that it had trained. */
  readonly epochs: number;
  /** The metric that is compared, after the last of them. */
  readonly value: Point;
  /** What was compared, where something was. */
  readonly comparison?: Comparison;
  readonly reason: string;
}

/** Something after which a sweep is less far than it was: it was extended, or trains some of it again. */
export interface Setback {
  readonly seq: number;
  /** What happened, in the server's words. */
  readonly words: string;
}

/** Why a worker asks for no work. */
export interface Trouble {
  /** In the worker's words. */
  readonly message: string;
  /** When it means to try again, in milliseconds since 1970. */
  readonly next: number;
}

/** A worker that has taken some of the sweep. */
export interface Worker {
  readonly name: string;
  /** What its bits depend on; the last word is its device. */
  readonly fingerprint: string;
  /** What it trains; null while it trains nothing of this sweep. */
  readonly segment: number | null;
  /** Which claim of the segment is its. */
  readonly attempt: number;
  /** Whether the last that was heard of it is that its lease expired. */
  readonly lost: boolean;
  /** What it said of its machine when it handed its work back; null since it took work again. */
  readonly trouble: Trouble | null;
  /** When it was last heard of. */
  readonly seen: string;
  /** Epochs that it has trained, of each branch. */
  readonly epochs: number;
  /** Its latest reports: when, in milliseconds, and how many epochs. */
  readonly recent: readonly { readonly at: number; readonly epochs: number }[];
}

export interface SweepState {
  /** What the server told before the stream began: the arms, the families, the rungs. */
  readonly detail: SweepDetail;
  /** The newest entry that is part of this state. */
  readonly seq: number;
  readonly status: SweepStatus;
  /** By family, then arm. */
  readonly trials: readonly (readonly Trial[])[];
  readonly segments: ReadonlyMap<number, Segment>;
  readonly log: readonly LogLine[];
  readonly choices: readonly Choice[];
  /** By name. */
  readonly workers: ReadonlyMap<string, Worker>;
  /** When the first worker took something; null before. */
  readonly started: string | null;
  /** When the newest entry was written. */
  readonly newest: string;
  /** The answer, once the sweep has completed. */
  readonly answer: Best | null;
  /** The newest that made there be more to do than before; null where nothing did. */
  readonly setback: Setback | null;
  /** Why the sweep ended, in the scheduler's words. */
  readonly endReason: string;
  /** The same as data; undefined before its end, and where the words alone are known. */
  readonly endWhy: Reason | undefined;
}

/** Why something was decided: in words, and as data where that is known. */
export interface Because {
  readonly reason: string;
  readonly why: Reason | undefined;
}

export const NO_CURVE: Curve = { train: [], metrics: {}, diagnostics: [] };

const UNDECIDED: Because = { reason: "", why: undefined };

/** A trial that nobody has trained. */
export function dormantTrial(family: number, arm: number, because = UNDECIDED): Trial {
  const blank = { status: "dormant", epochs: 0, onsetStep: null, curve: NO_CURVE } as const;
  return { family, arm, ...blank, ...because };
}

/** The state before the first entry. */
export function initialState(detail: SweepDetail): SweepState {
  const trials = detail.families.map(({ family }) =>
    detail.arms_list.map(({ arm }) => dormantTrial(family, arm)),
  );
  return {
    detail,
    seq: 0,
    status: "queued",
    trials,
    segments: new Map(),
    log: [],
    choices: [],
    workers: new Map(),
    started: null,
    newest: detail.created_at,
    answer: null,
    setback: null,
    endReason: "",
    endWhy: undefined,
  };
}

/** The state once the sweep is told anew, with more arms, families or epochs than before. */
export function withDetail(state: SweepState, detail: SweepDetail): SweepState {
  const blank = initialState(detail).trials;
  const trials = blank.map((members, family) =>
    members.map((trial, arm) => state.trials[family]?.[arm] ?? trial),
  );
  return { ...state, detail, trials };
}

/** Whether nothing more will happen. */
export function isFinal(status: SweepStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Whether anything was reported of any trial. */
export function hasCurves(state: SweepState): boolean {
  return state.trials.some((family) => family.some(({ epochs }) => epochs > 0));
}

/** What an arm is called; its level with the digits that matter. */
export function armName(detail: SweepDetail, arm: number): string {
  const item = detail.arms_list[arm];
  if (!item) return `arm ${arm}`;
  return item.b == null ? item.name : `${item.method} b=${formatLevel(item.b)}`;
}

/** What an arm is called in a column of levels: flooding, which needs no word, by its level alone. */
export function armLabel(arm: Pick<Arm, "name" | "method" | "b">, decimals?: number): string {
  if (arm.b == null) return arm.name;
  const level = formatLevel(arm.b, decimals);
  return arm.method === "flood" ? level : `${arm.method} ${level}`;
}

/** Whether the best arm is no level at all. */
export function isPlain(arm: Best["best"] | undefined): boolean {
  return arm?.method === "plain";
}

/** The arms from the lowest level to the highest: plain first, those without a level last. */
export function armsByLevel(detail: SweepDetail): number[] {
  const level = ({ arm, b }: Arm) => (arm === 0 ? -1 : (b ?? Infinity));
  const order = (a: number, b: number) => (a === b ? 0 : a - b);
  return detail.arms_list
    .toSorted((a, b) => order(level(a), level(b)) || a.arm - b.arm)
    .map(({ arm }) => arm);
}

/** Whether a trial was trained to its end, so that its last state is what was compared. */
export function hasModel(trial: Trial | undefined): boolean {
  return trial?.status === "completed";
}

/** The weight decays, each once. */
export function decaysOf(detail: SweepDetail): number[] {
  return [...new Set(detail.families.map((family) => family.weight_decay))];
}

/** The weight decay with which the best arm is best; the first of all while none is best. */
export function decayOf(detail: SweepDetail | undefined, best: Best | null): number {
  const decay = best?.best?.weight_decay;
  const families = detail?.families ?? [];
  return (
    families.find((each) => each.weight_decay === decay)?.weight_decay ??
    families[0]?.weight_decay ??
    0
  );
}

/** The epoch in which a step lies, from 1; steps count from 0. */
export function epochOfStep(detail: SweepDetail, step: number): number {
  return Math.floor(step / Math.max(1, detail.steps_per_epoch)) + 1;
}
