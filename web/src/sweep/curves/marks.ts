/** What is drawn beside the curves themselves: rungs, ends, onsets, a flood level, a range over seeds. */

import type uPlot from "uplot";
import type { Range } from "./series";

/** A place on a curve that says something. */
export interface Mark {
  readonly kind: "onset" | "end";
  readonly arm: number;
  /** Epochs, from 1. */
  readonly x: number;
  readonly y: number;
  readonly colour: string;
  /** What a tooltip says. */
  readonly words: string;
}

/** A horizontal line at a flood level. */
export interface LevelLine {
  readonly y: number;
  readonly colour: string;
  readonly words: string;
}

/** The area between two curves. */
export interface Area extends Range {
  readonly colour: string;
}

/** Draws clipped the plotting area, in device pixels. */
function clipped(plot: uPlot, draw: (ctx: CanvasRenderingContext2D, pixel: number) => void) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, devicePixelRatio);
  ctx.restore();
}

/** Thin lines where the scheduler decides. */
export function drawRungs(plot: uPlot, rungs: readonly number[], colour: string) {
  clipped(plot, (ctx, pixel) => {
    const { left, top, width, height } = plot.bbox;
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2 * pixel;
    ctx.beginPath();
    for (const rung of rungs) {
      const x = plot.valToPos(rung, "x", true);
      if (x <= left || x >= left + width) continue;
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
    }
    ctx.stroke();
  });
}

/** Fills the ranges over seeds. */
export function drawAreas(plot: uPlot, areas: readonly Area[], log: boolean) {
  clipped(plot, (ctx) => {
    for (const { low, high, colour } of areas) {
      ctx.fillStyle = colour;
      const at = (value: number) => plot.valToPos(value, "y", true);
      // From gap to gap: up along the low end, back along the high one.
      let run: [number, number, number][] = [];
      const fill = () => {
        if (run.length > 1) {
          ctx.beginPath();
          run.forEach(([x, y], i) => (i === 0 ? ctx.moveTo(x, y) : ctx.lineTo(x, y)));
          run.toReversed().forEach(([x, , y]) => ctx.lineTo(x, y));
          ctx.fill();
        }
        run = [];
      };
      for (let i = 0; i <= low.length; i += 1) {
        const [from, to] = [low[i], high[i]];
        if (from == null || to == null || (log && from <= 0)) fill();
        else run.push([plot.valToPos(i + 1, "x", true), at(from), at(to)]);
      }
    }
  });
}

/** The flood level of the arm that stands out. */
export function drawLevel(plot: uPlot, level: LevelLine, font: string) {
  const { left, top, width, height } = plot.bbox;
  const y = plot.valToPos(level.y, "y", true);
  if (!(y > top && y < top + height)) return;
  clipped(plot, (ctx, pixel) => {
    ctx.strokeStyle = level.colour;
    ctx.lineWidth = pixel;
    ctx.setLineDash([pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.fillStyle = level.colour;
    ctx.font = font;
    ctx.textAlign = "right";
    ctx.textBaseline = y - top > 18 * pixel ? "bottom" : "top";
    ctx.fillText(level.words, left + width - 6 * pixel, y);
  });
}

/** A ring where an arm departs from plain, a cross where a curve ends before its time. */
export function drawMarks(plot: uPlot, marks: readonly Mark[], ground: string) {
  clipped(plot, (ctx, pixel) => {
    for (const { kind, x, y, colour } of marks) {
      const [cx, cy] = [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)];
      const size = (kind === "onset" ? 2.6 : 3.2) * pixel;
      ctx.beginPath();
      ctx.strokeStyle = colour;
      if (kind === "onset") {
        ctx.lineWidth = 1.3 * pixel;
        ctx.fillStyle = ground;
        ctx.arc(cx, cy, size, 0, 2 * Math.PI);
        ctx.fill();
      } else {
        ctx.lineWidth = 1.8 * pixel;
        ctx.moveTo(cx - size, cy - size);
        ctx.lineTo(cx + size, cy + size);
        ctx.moveTo(cx - size, cy + size);
        ctx.lineTo(cx + size, cy - size);
      }
      ctx.stroke();
    }
  });
}

/** Pixels from a mark at which the pointer means it. */
const REACH = 9;

/** The mark under a place in CSS pixels of the plotting area; ends before onsets. */
export function markAt(
  plot: uPlot,
  marks: readonly Mark[],
  left: number,
  top: number,
): Mark | undefined {
  const distance = ({ kind, x, y }: Mark) =>
    Math.hypot(plot.valToPos(x, "x") - left, plot.valToPos(y, "y") - top) +
    (kind === "onset" ? 1 : 0);
  let nearest: Mark | undefined;
  let least = REACH;
  for (const mark of marks) {
    const away = distance(mark);
    if (away < least) [nearest, least] = [mark, away];
  }
  return nearest;
}
