/** The metrics of a sweep: which there are, what they are measured in, which way each is better. */

import type { Direction, MetricInfo, SweepDetail } from "./api/types";

/** What says how a metric's values are written. */
export type Measured = Pick<MetricInfo, "unit">;

/** What test errors and test losses are measured in, whatever a sweep's metrics are. */
export const SHARE: Measured = { unit: "share" };
export const NATS: Measured = { unit: "nats" };

/** A metric of a sweep; of one that it doesn't declare, its name alone. */
export function metricOf(detail: Pick<SweepDetail, "metrics">, name: string): MetricInfo {
  const known = detail.metrics.find((metric) => metric.name === name);
  return known ?? { name, direction: null, unit: null };
}

/** The metric that a sweep compares. */
export function objectiveOf(detail: SweepDetail): MetricInfo {
  return metricOf(detail, detail.metric);
}

/** Whether a metric is a share, which people read in per cent. */
export function isShare({ unit }: Measured): boolean {
  return unit === "share";
}

/** A value by which sorting puts the better one first. */
export function minimised(value: number, direction: Direction | null | undefined): number {
  return direction === "max" ? -value : value;
}
