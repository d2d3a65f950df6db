/** What the chart can show: the sweep's metrics, and how its training goes. Pure. */

import type { MetricInfo, SweepDetail } from "../../api/types";

/** A metric as the chart shows it. */
export interface ChartMetric extends Pick<MetricInfo, "name" | "unit"> {
  /** Whether it is measured as the training loss is, which is then drawn beside it. */
  readonly isLoss: boolean;
  /** Whether arms are compared by it; what isn't says how the training goes. */
  readonly isCompared: boolean;
}

/** The norm of the gradient, beside the metrics. No metric can have the name. */
export const GRADIENT: ChartMetric = {
  name: "grad_norm",
  unit: null,
  isLoss: false,
  isCompared: false,
};

/** The training loss by itself, where no metric has it beside it. */
const TRAINING: ChartMetric = { ...GRADIENT, name: "train_loss", isLoss: true };

/** All that can be shown of a sweep, in the order of the choices. */
export function chartMetrics({ metrics }: Pick<SweepDetail, "metrics">): ChartMetric[] {
  const shown = metrics.map(chartMetric);
  const beside = shown.some(({ isLoss }) => isLoss) ? [] : [TRAINING];
  return [...shown, ...beside, GRADIENT];
}

/** The metric that a sweep compares, as the chart shows it. */
export function firstShown(detail: Pick<SweepDetail, "metrics" | "metric">): ChartMetric {
  const all = chartMetrics(detail);
  return all.find(({ name }) => name === detail.metric) ?? all[0] ?? GRADIENT;
}

function chartMetric({ name, unit, direction }: MetricInfo): ChartMetric {
  const isLoss = unit === "nats" || (direction === "min" && name.endsWith("loss"));
  return { name, unit, isLoss, isCompared: direction !== null };
}
