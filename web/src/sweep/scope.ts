/** Which of a sweep's families are looked at: a weight decay, and its seeds as one or each by itself. */

import type { SweepDetail } from "../api/types";

export interface Scope {
  readonly decay: number;
  /** All seeds as their mean, each by itself, or one of them. */
  readonly seeds: "mean" | "each" | number;
}

/** The families of a scope, in order. */
export function familiesIn(detail: SweepDetail, { decay, seeds }: Scope): number[] {
  return detail.families
    .filter((each) => each.weight_decay === decay)
    .filter((each) => typeof seeds !== "number" || each.seed === seeds)
    .map((each) => each.family);
}

/** Whether several seeds are drawn as one curve. */
export function isMean(detail: SweepDetail, scope: Scope): boolean {
  return scope.seeds === "mean" && familiesIn(detail, scope).length > 1;
}
