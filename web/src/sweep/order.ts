/** The order of arms in the table. */

import type { Metric, TrialStatus } from "../api/types";
import type { Trial } from "./state";

export interface Standing {
  readonly trial: Trial;
  readonly b: number | null;
  readonly objective: Metric | null;
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

/** Live arms first, then those that got further, then the lower objective. */
export function byStanding(a: Standing, b: Standing): number {
  return (
    RANK[a.trial.status] - RANK[b.trial.status] ||
    (a.trial.status === "pruned" ? b.trial.epochs - a.trial.epochs : 0) ||
    value(a.objective) - value(b.objective) ||
    byLevel(a, b)
  );
}

/** Plain, then rising levels, of several methods in turn, then methods without a level. */
export function byLevel(a: Standing, b: Standing): number {
  return level(a) - level(b) || a.trial.arm - b.trial.arm;
}

function level({ trial, b }: Standing): number {
  return trial.arm === 0 ? -1 : (b ?? Number.MAX_VALUE);
}

/** Beyond all figures, yet not infinite: two of these must come out even. */
function value(objective: Metric | null): number {
  return typeof objective === "number" ? objective : Number.MAX_VALUE;
}
