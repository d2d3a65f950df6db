/** How the objective responds to the level: what the figure draws, from what is known so far. */

import type { Metric, TrialStatus } from "../../api/types";
import { rowsOf, trialKey } from "../standing/rows";
import type { SweepState } from "../state";

/** An arm in the figure. */
export interface ResponsePoint {
  readonly arm: number;
  readonly method: string;
  /** Null for arms without a level. */
  readonly b: number | null;
  readonly status: TrialStatus;
  /** The mean over seeds. */
  readonly value: number;
  /** The values of its seeds, where there are several. */
  readonly seeds: readonly number[];
  /** Whether it was trained to the end. */
  readonly whole: boolean;
  /** Whether it stopped before others: its objective is of epochs that these have left behind. */
  readonly stopped: boolean;
}

/** The points of a scope's families; an arm that diverged has none. */
export function pointsOf(
  state: SweepState,
  families: readonly number[],
  objectives: ReadonlyMap<string, Metric>,
): ResponsePoint[] {
  return rowsOf(state, families, objectives).flatMap(({ arm, b, status, objective, epochs }) => {
    if (typeof objective !== "number") return [];
    const each = families.flatMap((family) => objectives.get(trialKey(family, arm)) ?? []);
    return [
      {
        arm,
        method: state.detail.arms_list[arm]?.method ?? "",
        b,
        status,
        value: objective,
        seeds: each.length > 1 ? each.map(Number) : [],
        whole: epochs[0] >= state.detail.epochs,
        stopped: epochs[0] < state.detail.epochs && status !== "active",
      },
    ];
  });
}

/** The methods with a level, in the order of the arms; the figure gives each a form. */
export function formsOf(points: readonly ResponsePoint[]): string[] {
  return [...new Set(points.filter(({ b }) => b !== null).map(({ method }) => method))];
}
