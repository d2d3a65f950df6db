/** What the response figure draws, from the trials and from the answer. */

import type { Best, Metric } from "../../api/types";
import type { SweepState } from "../state";
import type { Estimate, Fitted, ResponseData } from "./figure";
import { pointsOf } from "./points";

/** The figure's data for the families of a scope; the answer tells what is fitted. */
export function responseOf(
  state: SweepState,
  families: readonly number[],
  objectives: ReadonlyMap<string, Metric>,
  best: Best | null,
  decay: number,
): ResponseData {
  const points = pointsOf(state, families, objectives);
  const fitted = new Map<string, Fitted[]>();
  const intervals = new Map<number, Estimate>();
  for (const outlook of best?.probabilities ?? []) {
    const { arm, method, b, weight_decay, fitted: value, low, high } = outlook;
    if (weight_decay !== decay || value == null) continue;
    const estimate = { value, low: low ?? null, high: high ?? null };
    intervals.set(arm, estimate);
    if (b == null) continue;
    const curve = fitted.get(method) ?? [];
    curve.push({ b, ...estimate });
    fitted.set(method, curve);
  }
  for (const curve of fitted.values()) curve.sort((x, y) => x.b - y.b);
  const measured = points.find(({ arm }) => arm === 0)?.value;
  const plain =
    measured === undefined ? null : { low: null, high: null, ...intervals.get(0), value: measured };
  const floor = state.detail.metric === "val_loss" ? (best?.noise_floor ?? null) : null;
  return { points, fitted, intervals, plain, floor };
}
