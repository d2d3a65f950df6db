/** The arms as the table has them: one row each, over all seeds that are looked at. */

import type { Direction, Metric, TrialStatus } from "../../api/types";
import { minimised } from "../../metrics";
import { epochOfStep, type SweepState } from "../state";
import { reasonsOf } from "../why";

export interface Row {
  readonly arm: number;
  readonly b: number | null;
  /** That of the seed that tells most: one that goes on before one that has ended. */
  readonly status: TrialStatus;
  /** Seeds that were trained, and all. */
  readonly trained: number;
  readonly seeds: number;
  /** Epochs of the seed that got least far of those that were trained, and of the furthest. */
  readonly epochs: readonly [number, number];
  /** The epoch of its onset, the mean over the seeds that have one. */
  readonly onset: number | null;
  /** The share of the last epoch's steps that ascended, the mean likewise. */
  readonly ascending: number | null;
  /** The mean over the seeds that have one. */
  readonly objective: Metric | null;
  /** Why it has its status. */
  readonly reason: string;
}

/** The key of a trial among objectives. */
export function trialKey(family: number, arm: number): string {
  return `${family}.${arm}`;
}

/** A row for each arm. */
export function rowsOf(
  { detail, trials }: SweepState,
  families: readonly number[],
  objectives: ReadonlyMap<string, Metric>,
): Row[] {
  return detail.arms_list.map(({ arm, b }) => {
    const all = families.flatMap((family) => trials[family]?.[arm] ?? []);
    const trained = all.filter(({ epochs }) => epochs > 0);
    const told = all.toSorted((a, b) => WEIGHT[b.status] - WEIGHT[a.status])[0];
    const status = told?.status ?? "dormant";
    const epochs = (trained.length > 0 ? trained : all).map((trial) => trial.epochs);
    return {
      arm,
      b: b ?? null,
      status,
      trained: trained.length,
      seeds: all.length,
      epochs: [Math.min(...epochs), Math.max(...epochs)],
      onset: mean(
        trained.flatMap(({ onsetStep }) =>
          onsetStep === null ? [] : [epochOfStep(detail, onsetStep)],
        ),
      ),
      ascending: mean(trained.flatMap(({ curve }) => curve.diagnostics.at(-1)?.ascending ?? [])),
      objective: meanObjective(
        families.flatMap((family) => objectives.get(trialKey(family, arm)) ?? []),
      ),
      reason: reasonsOf(all.filter((trial) => trial.status === status)),
    };
  });
}

/** Which seed's status stands for the arm: trouble first, then who goes on. */
const WEIGHT: Record<TrialStatus, number> = {
  failed: 6,
  diverged: 5,
  active: 4,
  completed: 3,
  pruned: 2,
  cancelled: 1,
  dormant: 0,
};

function mean(values: readonly number[]): number | null {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

function meanObjective(values: readonly Metric[]): Metric | null {
  return values.includes("diverged") ? "diverged" : mean(values.map(Number));
}

/** Those that still may win come first, those that can't any more last. */
const RANK: Record<TrialStatus, number> = {
  completed: 0,
  active: 0,
  pruned: 1,
  dormant: 2,
  cancelled: 3,
  diverged: 4,
  failed: 4,
};

/** Live arms first, then those that got further, then the better objective. */
export function byStanding(direction: Direction | null): (a: Row, b: Row) => number {
  /** Beyond all figures, yet not infinite: two of these must come out even. */
  const value = ({ objective }: Row) =>
    typeof objective === "number" ? minimised(objective, direction) : Number.MAX_VALUE;
  return (a, b) =>
    RANK[a.status] - RANK[b.status] ||
    (a.status === "pruned" ? b.epochs[1] - a.epochs[1] : 0) ||
    value(a) - value(b) ||
    byLevel(a, b);
}

/** Plain, then rising levels, of several methods in turn, then methods without a level. */
export function byLevel(a: Row, b: Row): number {
  return level(a) - level(b) || a.arm - b.arm;
}

function level({ arm, b }: Row): number {
  return arm === 0 ? -1 : (b ?? Number.MAX_VALUE);
}
