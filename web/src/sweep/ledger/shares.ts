/** What a sweep has cost beside what the full grid would, and where the rest went. */

import type { RunEquivalents, SweepDetail } from "../../api/types";

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

/** What a sweep has cost that nobody has begun. */
export function nothingOf({
  arms,
  families,
}: Pick<SweepDetail, "arms" | "families">): RunEquivalents {
  const nothing = { spent: 0, saved_by_sharing: 0, saved_by_pruning: 0, redone: 0, left_behind: 0 };
  return { ...nothing, full_grid: arms * families.length };
}

/** The same, with so much saved by pruning. */
export function decided(of: RunEquivalents, pruned: number): RunEquivalents {
  return { ...of, saved_by_pruning: Math.min(pruned, of.saved_by_pruning) };
}

/**
 * The full grid in parts; what is neither trained nor saved is open while the sweep goes on. With
 * `all` those too that are nothing yet, so that they come into no other's place.
 */
export function sharesOf(of: RunEquivalents, all = false): Share[] {
  const { spent, saved_by_sharing: shared, saved_by_pruning: pruned, full_grid: full } = of;
  const open = Math.max(0, full - spent - shared - pruned);
  const parts: [Part, number][] = [
    ["trained", spent],
    ["shared", shared],
    ["pruned", pruned],
    ["open", open],
  ];
  return parts
    .filter(([part, runs]) => all || part === "trained" || runs > NOTHING)
    .map(([part, runs]) => ({ part, runs, share: full > 0 ? runs / full : 0 }));
}

/** The end of a bar: the full grid, or more where the sweep has cost more than that. */
export function barEnd(of: RunEquivalents): number {
  return Math.max(
    of.full_grid,
    sharesOf(of).reduce((sum, { runs }) => sum + runs, 0),
  );
}
