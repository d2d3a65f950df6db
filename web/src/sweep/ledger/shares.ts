/** What a sweep has cost beside what the full grid would, and where the rest went. */

import type { RunEquivalents } from "../../api/types";

export type Part = "trained" | "shared" | "pruned" | "open";

export interface Share {
  readonly part: Part;
  /** Run-equivalents. */
  readonly runs: number;
  /** Of the full grid, 0…1. */
  readonly share: number;
}

/** Less than this of a run is a rounding of the sums. */
const NOTHING = 1e-6;

/** The full grid in parts; what is neither trained nor saved is open while the sweep goes on. */
export function sharesOf(of: RunEquivalents): Share[] {
  const { spent, saved_by_sharing: shared, saved_by_pruning: pruned, full_grid: full } = of;
  const open = Math.max(0, full - spent - shared - pruned);
  const parts: [Part, number][] = [
    ["trained", spent],
    ["shared", shared],
    ["pruned", pruned],
    ["open", open],
  ];
  return parts
    .filter(([part, runs]) => part === "trained" || runs > NOTHING)
    .map(([part, runs]) => ({ part, runs, share: full > 0 ? runs / full : 0 }));
}

/** The end of a bar: the full grid, or more where the sweep has cost more than that. */
export function barEnd(of: RunEquivalents): number {
  return Math.max(
    of.full_grid,
    sharesOf(of).reduce((sum, { runs }) => sum + runs, 0),
  );
}
