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

/** Plain, then rising levels. */
export function byLevel(a: Standing, b: Standing): number {
  return (a.b ?? -1) - (b.b ?? -1);
}

/** Beyond all figures, yet not infinite: two of these must come out even. */
function value(objective: Metric | null): number {
  return typeof objective === "number" ? objective : Number.MAX_VALUE;
}
