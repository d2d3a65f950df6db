/** What a figure leaves above its upper end, so that one run astray doesn't flatten it. Pure. */

import type { Direction } from "../../api/types";

/** Beyond so many times the spread of the better three quarters a value is off the figure. */
const FAR = 3;

/** Values of which none is taken for an outlier. */
const FEW = 5;

/** The highest value to draw a figure for. Where higher is better nothing is cut off. */
export function boundOf(values: readonly number[], direction?: Direction | null): number {
  if (direction === "max") return Infinity;
  const sorted = values.toSorted((a, b) => a - b);
  const [low, most] = [sorted[0], sorted[Math.floor((sorted.length - 1) * 0.75)]];
  if (sorted.length < FEW || low === undefined || most === undefined || most <= low)
    return Infinity;
  return most + FAR * (most - low);
}

/** The path of what stands at a figure's upper end for a value beyond it. */
export function arrow(x: number, y: number): string {
  return `M${x} ${y - 4}l4 6h-8z`;
}
