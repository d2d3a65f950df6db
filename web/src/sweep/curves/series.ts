/** Curves as columns for the chart. */

import type { AlignedData } from "uplot";
import { pointOf, valuesOf, type Curve, type Point, type Trial } from "../state";
import { GRADIENT, type ChartMetric } from "./metrics";
import { smoothed } from "./smooth";

/** Which curves are shown, and how. */
export interface Shown {
  readonly metric: ChartMetric;
  readonly train: boolean;
  readonly validation: boolean;
  readonly log: boolean;
  /** Epochs over which curves are smoothed; 1 leaves them as they are. */
  readonly smooth: number;
}

/** A column shows the training loss, a metric that arms are compared by, or how training goes. */
export type Kind = "train" | "validation" | "gradient";

/** One column of the chart. */
export interface Column {
  readonly arm: number;
  readonly kind: Kind;
  /** The families whose mean it is. */
  readonly families: readonly number[];
}

/**
 * The columns after the epochs', in the order of drawing: training under validation, and
 * within each the levels from low to high, plain on top. Families come as one column where
 * `mean` says so.
 */
export function columnsOf(
  arms: readonly number[],
  families: readonly number[],
  mean: boolean,
  { metric, train, validation }: Shown,
): Column[] {
  const groups = mean ? [families] : families.map((family) => [family]);
  const order = [...arms.filter((arm) => arm !== 0), 0];
  const of = (kind: Kind) =>
    order.flatMap((arm) => groups.map((group) => ({ arm, kind, families: group })));
  if (!metric.isCompared) return of(metric.isLoss ? "train" : "gradient");
  // Only the loss is reported for training.
  return [...(train && metric.isLoss ? of("train") : []), ...(validation ? of("validation") : [])];
}

/** Columns for the chart, and how many points they hold. */
export interface Plotted {
  readonly data: AlignedData;
  readonly points: number;
  /** The least and the most of all seeds, of which the columns may be means; null without any. */
  readonly extent: readonly [number, number] | null;
}

/** What a column held when it was filled last. */
interface Filled {
  readonly from: readonly (Curve | undefined)[];
  readonly values: readonly Point[];
  readonly points: number;
  readonly extent: readonly [number, number] | null;
}

/** Fills columns, and fills those again whose curves have grown. */
export class Filler {
  private readonly filled: (Filled | undefined)[] = [];

  constructor(
    readonly columns: readonly Column[],
    private readonly shown: Shown,
  ) {}

  /** Diverged values are gaps, and so is what a logarithm can't show. */
  fill(trials: readonly (readonly Trial[])[]): Plotted {
    let epochs = 0;
    let points = 0;
    let extent: Plotted["extent"] = null;
    const ys = this.columns.map((column, i) => {
      const from = column.families.map((family) => trials[family]?.[column.arm]?.curve);
      let now = this.filled[i];
      if (!now || now.from.some((curve, k) => curve !== from[k])) {
        now = this.filledFrom(from, column.kind);
        this.filled[i] = now;
      }
      epochs = Math.max(epochs, now.values.length);
      points += now.points;
      extent = hull(extent, now.extent);
      return now.values as (number | null | undefined)[];
    });
    return { data: [Array.from({ length: epochs }, (_, i) => i + 1), ...ys], points, extent };
  }

  private filledFrom(from: readonly (Curve | undefined)[], kind: Kind): Filled {
    const { metric, log, smooth } = this.shown;
    const each = from.map((curve) => (curve ? pointsOf(curve, kind, metric) : []));
    const drawn = (y: Point): y is number => typeof y === "number" && !(log && y <= 0);
    const mean = smoothed(meanOf(each), smooth);
    const values = log ? mean.map((y) => (y === undefined || drawn(y) ? y : null)) : mean;
    let points = 0;
    for (const y of values) if (y != null) points += 1;
    let extent: Filled["extent"] = null;
    // Alone a curve has no range around it.
    for (const curve of from.length > 1 ? each : [values]) {
      for (const y of curve) if (drawn(y)) extent = hull(extent, [y, y]);
    }
    return { from, values, points, extent };
  }
}

type Extent = Plotted["extent"];

function hull(a: Extent, b: Extent): Extent {
  if (!a || !b) return a ?? b;
  return b[0] >= a[0] && b[1] <= a[1] ? a : [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
}

/** The points of a curve that a column of this kind shows. */
export function pointsOf(curve: Curve, kind: Kind, metric: Shown["metric"]): readonly Point[] {
  if (kind === "train") return curve.train;
  if (metric.name !== GRADIENT.name) return valuesOf(curve, metric.name);
  return curve.diagnostics.map((each) => each && pointOf(each.grad_norm));
}

/** At each epoch the mean of the curves that reach it; a gap where one of them diverged. */
export function meanOf(curves: readonly (readonly Point[])[]): readonly Point[] {
  const [only, ...others] = curves;
  if (!only || others.length === 0) return only ?? [];
  const length = curves.reduce((most, curve) => Math.max(most, curve.length), 0);
  return Array.from({ length }, (_, i) => {
    let sum = 0;
    let count = 0;
    for (const curve of curves) {
      const value = curve[i];
      if (value === null) return null;
      if (value === undefined) continue;
      sum += value;
      count += 1;
    }
    return count > 0 ? sum / count : undefined;
  });
}

/** The least and the most of several curves at each epoch that two of them reach. */
export interface Range {
  readonly low: readonly Point[];
  readonly high: readonly Point[];
}

export function rangeOf(curves: readonly (readonly Point[])[], smooth: number): Range {
  const length = curves.reduce((most, curve) => Math.max(most, curve.length), 0);
  const low: Point[] = new Array(length);
  const high: Point[] = new Array(length);
  for (let i = 0; i < length; i += 1) {
    const present = curves.flatMap((curve) => curve[i] ?? []);
    if (present.length < 2) continue;
    low[i] = Math.min(...present);
    high[i] = Math.max(...present);
  }
  return { low: smoothed(low, smooth), high: smoothed(high, smooth) };
}
