/** The response of a sweep: its objective against the flood level. Pure. */

import type { Direction, SweepDetail, TrialItem } from "../api/types";
import { objectiveOf } from "../metrics";
import { boundOf } from "../sweep/figure/bound";

/** The objective at one level, over the seeds. */
export interface Place {
  readonly b: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly seeds: number;
  /** Whether some seed was trained to the end; others have seen fewer epochs than these. */
  readonly whole: boolean;
}

/** One method of a sweep over its levels. */
export interface Response {
  /** Which of the sweeps. */
  readonly sweep: number;
  readonly method: string;
  /** By level, rising. */
  readonly places: readonly Place[];
  /** The plain run's mean objective; null where it diverged or isn't told. */
  readonly plain: number | null;
  /** Which way the objective is better. */
  readonly direction: Direction | null;
}

/** The responses of a sweep with the weight decay of its best arm, a response a method. */
export function responsesOf(
  detail: SweepDetail,
  trials: readonly TrialItem[],
  sweep: number,
): Response[] {
  const decay = detail.best?.best?.weight_decay ?? detail.families[0]?.weight_decay;
  const own = trials.filter((trial) => trial.weight_decay === decay);
  const plain =
    placeOf(
      own.filter(({ arm }) => arm === 0),
      0,
    )?.mean ?? null;
  const levelled = own.filter(({ b }) => b != null);
  const methods = [...new Set(levelled.map(({ method }) => method))];
  return methods.map((method) => {
    const byArm = new Map<number, TrialItem[]>();
    for (const trial of levelled) {
      if (trial.method !== method) continue;
      byArm.set(trial.arm, [...(byArm.get(trial.arm) ?? []), trial]);
    }
    const places = [...byArm.values()].flatMap((of) => placeOf(of, of[0]?.b ?? 0) ?? []);
    places.sort((a, c) => a.b - c.b);
    return { sweep, method, places, plain, direction: objectiveOf(detail).direction };
  });
}

/** Seeds that were trained to the end speak for a level; only without any do the others. */
function placeOf(trials: readonly TrialItem[], b: number): Place | null {
  const finite = trials.flatMap(({ objective, status }) =>
    typeof objective === "number" ? [{ objective, whole: status === "completed" }] : [],
  );
  const whole = finite.filter((each) => each.whole);
  const counted = (whole.length > 0 ? whole : finite).map(({ objective }) => objective);
  if (counted.length === 0) return null;
  return {
    b,
    mean: counted.reduce((sum, each) => sum + each, 0) / counted.length,
    low: Math.min(...counted),
    high: Math.max(...counted),
    seeds: counted.length,
    whole: whole.length > 0,
  };
}

/** So many times the lowest mean, and what is nearly nothing, is astray. */
const ASTRAY = 1e4;
const NOTHING = 1e-3;

/**
 * The highest value to draw a figure of `responses` for, of which one has places: the highest
 * that any of them would be drawn for alone, unless that is astray, which tells the others' scale
 * nothing.
 */
export function commonBound(responses: readonly Response[]): number {
  const counted = responses.filter(({ places }) => places.length > 0);
  if (counted.some(({ direction }) => direction === "max")) return Infinity;
  const means = counted.map(({ places }) => places.map(({ mean }) => mean));
  const alone = counted.map(({ plain }, i) =>
    Math.max(boundOf(means[i] ?? []), plain ?? -Infinity),
  );
  const lowest = Math.min(...means.flat());
  return Math.min(Math.max(...alone), ASTRAY * Math.max(NOTHING, Math.abs(lowest)));
}
