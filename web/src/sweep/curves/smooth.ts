/** Smoothing: a moving mean that is centred, so that neither minima nor onsets shift. */

import type { Point } from "../state";

/**
 * Each value's mean with as many neighbours on either side as `window` (odd) allows. Near an end
 * or a gap it has fewer, but as many on one side as on the other. Gaps stay gaps.
 */
export function smoothed(values: readonly Point[], window: number): readonly Point[] {
  const reach = Math.floor((window - 1) / 2);
  if (reach < 1) return values;
  const result: Point[] = values.slice();
  let from = 0;
  while (from < values.length) {
    if (values[from] == null) {
      from += 1;
      continue;
    }
    let to = from;
    while (to < values.length && values[to] != null) to += 1;
    smoothRun(values, result, from, to, reach);
    from = to;
  }
  return result;
}

/** The same for values without a gap, from `from` to before `to`. */
function smoothRun(
  values: readonly Point[],
  result: Point[],
  from: number,
  to: number,
  reach: number,
) {
  const sums = new Float64Array(to - from + 1);
  for (let i = from; i < to; i += 1) {
    sums[i - from + 1] = (sums[i - from] ?? 0) + (values[i] ?? 0);
  }
  for (let i = from; i < to; i += 1) {
    const side = Math.min(reach, i - from, to - 1 - i);
    if (side === 0) continue;
    const sum = (sums[i - from + side + 1] ?? 0) - (sums[i - from - side] ?? 0);
    result[i] = sum / (2 * side + 1);
  }
}
