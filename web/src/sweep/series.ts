/** The curves of a family as columns for the chart. */

import type { AlignedData } from "uplot";
import { pointOf, type Curve, type Point, type Trial } from "./state";

/** Which curves are shown, and how. */
export interface Shown {
  readonly metric: "loss" | "error" | "gradient";
  readonly train: boolean;
  readonly validation: boolean;
  readonly log: boolean;
}

/** One column of the chart. */
export interface Column {
  readonly arm: number;
  readonly kind: "train" | "validation" | "gradient";
}

/**
 * The columns after the epochs', in the order of drawing: training under validation, and
 * within each the levels from low to high, plain on top.
 */
export function columnsOf(arms: number, { metric, train, validation }: Shown): Column[] {
  const order = [...Array.from({ length: Math.max(0, arms - 1) }, (_, i) => i + 1), 0];
  const of = (kind: Column["kind"]) => order.map((arm) => ({ arm, kind }));
  if (metric === "gradient") return of("gradient");
  // Only the loss is reported for training.
  return [
    ...(train && metric === "loss" ? of("train") : []),
    ...(validation ? of("validation") : []),
  ];
}

/** Columns of equal length, and how many points they hold. */
export interface Plotted {
  readonly data: AlignedData;
  readonly points: number;
}

/** Fills the columns. Diverged values are gaps, and so is what a logarithm can't show. */
export function plotted(
  trials: readonly Trial[],
  columns: readonly Column[],
  shown: Shown,
): Plotted {
  const epochs = trials.reduce((most, trial) => Math.max(most, trial.curve.loss.length), 0);
  const xs = Array.from({ length: epochs }, (_, i) => i + 1);
  let points = 0;
  const ys = columns.map(({ arm, kind }) => {
    const curve = trials[arm]?.curve;
    const values = curve ? valuesOf(curve, kind, shown.metric) : [];
    return xs.map((_, i) => {
      const value = values[i];
      if (value == null) return value;
      if (shown.log && value <= 0) return null;
      points += 1;
      return value;
    });
  });
  return { data: [xs, ...ys], points };
}

function valuesOf(curve: Curve, kind: Column["kind"], metric: Shown["metric"]): readonly Point[] {
  if (kind === "train") return curve.train;
  if (kind === "gradient") return curve.diagnostics.map((told) => told && pointOf(told.grad_norm));
  return metric === "loss" ? curve.loss : curve.error;
}
