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
  _best: Best | null,
  _decay: number,
): ResponseData {
  const points = pointsOf(state, families, objectives);
  const plain = points.find(({ arm }) => arm === 0);
  return {
    points,
    fitted: new Map<string, Fitted[]>(),
    intervals: new Map<number, Estimate>(),
    plain: plain ? { value: plain.value, low: null, high: null } : null,
    floor: null,
  };
}
