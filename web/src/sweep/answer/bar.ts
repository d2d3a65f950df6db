/** How far the bar of a sweep stands: pure. */

import type { Progress } from "../../api/types";
import { formatDuration, formatRuns } from "../../format";
import { isFinal, type SweepState } from "../state";
import type { Told } from "../told";

export interface Bar {
  /** Of all that there is to do, 0…1; 1 only once nothing is. */
  readonly share: number;
  /** What of the log it may have gone back for; 0 where nothing made it do so. */
  readonly since: number;
}

export const NO_BAR: Bar = { share: 0, since: 0 };

/** As full as a bar may be while work goes on. */
const NEARLY = 0.99;

/** The bar once the server has told anew how far a sweep is: it goes back only where the log says why. */
export function barAfter(before: Bar, { status, setback }: SweepState, told: Told): Bar {
  const since = setback?.seq ?? 0;
  if (status === "completed") return { share: 1, since };
  const { progress } = told;
  // What was told before it was set back is of another sweep, in a way.
  if (!progress || told.seq < since) return before;
  const now = Math.min(NEARLY, progress.planned > 0 ? progress.spent / progress.planned : 0);
  return { share: before.since === since ? Math.max(before.share, now) : now, since };
}

/** `1.2 of at most 2.8 runs · 40 s so far · at most 1 min 15 s left`. */
export function progressWords({ spent, planned, elapsed_s: elapsed, left_s: left }: Progress) {
  return [
    `${formatRuns(spent)} of at most ${formatRuns(planned)} runs`,
    elapsed == null ? "" : `${formatDuration(elapsed * 1_000)} so far`,
    left == null ? "" : `at most ${formatDuration(left * 1_000)} left`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What is done just now, as a headline. */
export function phaseWords(state: SweepState, told: Told | null): string {
  const { status } = state;
  if (isFinal(status)) return "no answer";
  if (status !== "running") return status === "paused" ? "paused" : "not begun";
  return told?.progress?.phase ?? "training";
}
