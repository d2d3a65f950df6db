/** The path of a sparkline. */

import type { Sparkline } from "../api/types";

export const WIDTH = 88;
export const HEIGHT = 22;
const MARGIN = 3;

export interface SparkPath {
  /** SVG path data; gaps where values diverged. */
  readonly path: string;
  /** Where the curve ends so far. */
  readonly end: readonly [number, number] | null;
}

/**
 * A curve over all epochs of a run, so that its length says how far it is. The height is of the
 * logarithm where it can be: what matters happens far below where training begins.
 */
export function sparkPath(
  { epoch, value }: Pick<Sparkline, "epoch" | "value">,
  epochs: number,
): SparkPath {
  const finite = value.filter((each) => each !== "diverged");
  const log = finite.length > 0 && finite.every((each) => each > 0);
  const of = (each: number) => (log ? Math.log(each) : each);
  const low = of(Math.min(...finite));
  const span = of(Math.max(...finite)) - low;
  const x = (at: number) => MARGIN + ((at - 1) / Math.max(1, epochs - 1)) * (WIDTH - 2 * MARGIN);
  const y = (each: number) =>
    span > 0 ? HEIGHT - MARGIN - ((of(each) - low) / span) * (HEIGHT - 2 * MARGIN) : HEIGHT / 2;
  let path = "";
  let end: [number, number] | null = null;
  epoch.forEach((at, i) => {
    const each = value[i];
    if (each === undefined || each === "diverged") {
      end = null;
      return;
    }
    const place: [number, number] = [rounded(x(at)), rounded(y(each))];
    path += `${end ? "L" : "M"}${place.join(" ")}`;
    end = place;
  });
  return { path, end };
}

const rounded = (value: number) => Math.round(value * 10) / 10;
