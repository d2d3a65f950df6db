/** The chart itself: uPlot, told what to draw. */

import uPlot from "uplot";
import { decimalsOf, formatNumber } from "../../format";
import { isShare, type Measured } from "../../metrics";
import {
  drawAreas,
  drawLevel,
  drawMarks,
  drawRungs,
  markAt,
  type Area,
  type LevelLine,
  type Mark,
} from "./marks";
import { GRADIENT, type ChartMetric } from "./metrics";
import type { Column, Plotted, Shown } from "./series";

/** How a column looks just now. */
export interface LineStyle {
  readonly colour: string;
  readonly width: number;
}

/** What is under the pointer: a curve at an epoch, perhaps one of its marks; pixels of the chart. */
export interface Pointed {
  readonly column: Column;
  readonly epoch: number;
  readonly mark: Mark | undefined;
  readonly left: number;
  readonly top: number;
}

/** What is drawn beside the curves. */
export interface Beside {
  readonly marks: readonly Mark[];
  readonly areas: readonly Area[];
  readonly level: LevelLine | null;
}

export interface PlotOptions {
  readonly host: HTMLElement;
  readonly columns: readonly Column[];
  readonly shown: Shown;
  readonly epochs: () => number;
  readonly rungs: () => readonly number[];
  /** Asked at each drawing, so that styles change without another chart. */
  readonly styleOf: (column: Column) => LineStyle;
  readonly beside: () => Beside;
  readonly onPoint: (pointed: Pointed | null) => void;
  readonly onPick: (arm: number | null) => void;
}

export interface Plot {
  /** Shows other data. */
  show(plotted: Plotted): void;
  /** Draws the same data with other looks. */
  restyle(): void;
  /** The part that is looked at: least and most epoch, least and most value. */
  view(): { x: [number, number]; y: [number, number] } | null;
  destroy(): void;
}

/** What stands beside the axis. */
export function axisWords(metric: ChartMetric): string {
  if (metric.name === GRADIENT.name) return "norm of the gradient";
  // A share has its unit at each tick.
  return metric.unit === null || isShare(metric) ? metric.name : `${metric.name} (${metric.unit})`;
}

/** Pixels from a curve at which the pointer still means it. */
const REACH = 30;

/** Pixels that the pointer may slip in a click. */
const SLIP = 4;

/** Steps between ticks, in epochs: there are no halves. */
const EPOCH_STEPS = [0, 1, 2, 3, 4, 5].flatMap((power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
);

/** The page's colours for what is not a curve. */
function inks(host: HTMLElement) {
  const style = getComputedStyle(host);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: of("--faint"),
    line: of("--line"),
    ground: of("--card"),
    font: `12px ${style.fontFamily}`,
  };
}

export function createPlot(options: PlotOptions): Plot {
  const { host, columns, shown, epochs, rungs, styleOf, beside, onPoint, onPick } = options;
  const ink = inks(host);
  let zoomed = false;
  let now: Beside = { marks: [], areas: [], level: null };
  let pointed: Pointed | null = null;
  let extent: Plotted["extent"] = null;

  const axis: uPlot.Axis = {
    stroke: ink.text,
    font: ink.font,
    labelFont: ink.font,
    grid: { stroke: ink.line, width: 1 },
    ticks: { stroke: ink.line, width: 1, size: 4 },
  };

  function point(plot: uPlot) {
    const { left = -1, top = -1, idx } = plot.cursor;
    pointed = idx == null || left < 0 || top < 0 ? null : nearest(plot, left, top, idx);
    onPoint(pointed);
  }

  /** The curve that is meant by a place in the chart; a mark that is hit means its own curve. */
  function nearest(plot: uPlot, left: number, top: number, idx: number): Pointed | null {
    const mark = markAt(plot, now.marks, left, top);
    const epoch = mark?.x ?? plot.data[0][idx] ?? 0;
    let best: Column | undefined;
    let least = REACH;
    columns.forEach((column, i) => {
      const value = plot.data[i + 1]?.[epoch - 1];
      if (value == null) return;
      const away = Math.abs(plot.valToPos(value, "y") - top);
      // Where curves lie upon each other the upper one is seen, and so is meant.
      if (mark ? column.arm === mark.arm && column.kind !== "train" : away <= least) {
        [best, least] = [column, away];
      }
    });
    if (!best) return null;
    const { offsetLeft, offsetTop } = plot.over;
    const at = mark ? [plot.valToPos(mark.x, "x"), plot.valToPos(mark.y, "y")] : [left, top];
    return {
      column: best,
      epoch,
      mark,
      left: (at[0] ?? 0) + offsetLeft,
      top: (at[1] ?? 0) + offsetTop,
    };
  }

  const u = new uPlot(
    {
      width: Math.max(200, host.clientWidth),
      height: heightFor(host.clientWidth),
      legend: { show: false },
      cursor: {
        points: { show: false },
        drag: { x: true, y: false },
        y: false,
      },
      scales: {
        x: { time: false, range: (_, min, max) => (zoomed ? [min, max] : [0, epochs()]) },
        y: {
          distr: shown.log ? 3 : 1,
          range: shown.log
            ? // Left to itself uPlot goes on to whole powers of ten.
              (_, min, max) => {
                if (min == null) return EMPTY_LOG;
                const [low, high] = zoomed ? [min, max] : (extent ?? [min, max]);
                return [toOneDigit(low, Math.floor), toOneDigit(high, Math.ceil)];
              }
            : (_, min, max) => {
                if (min == null) return EMPTY;
                const [low, high] = zoomed ? [min, max] : (extent ?? [min, max]);
                return uPlot.rangeNum(low, high, {
                  min: { pad: 0.05, soft: 0, mode: 1 },
                  max: { pad: 0.05, soft: 0, mode: 0 },
                });
              },
        },
      },
      axes: [
        // No vertical lines but the rungs.
        {
          ...axis,
          grid: { show: false },
          incrs: EPOCH_STEPS,
          label: "epoch",
          labelSize: 20,
          size: 34,
          gap: 4,
        },
        {
          ...axis,
          label: axisWords(shown.metric),
          labelSize: 20,
          size: 52,
          gap: 4,
          values: (_, ticks) => tickWords(ticks, shown),
        },
      ],
      series: [
        { label: "epoch" },
        ...columns.map((column): uPlot.Series => ({
          label: `${column.arm}`,
          stroke: () => styleOf(column).colour,
          width: styleOf(column).width,
          ...(column.kind === "train" ? { dash: [4, 3] } : {}),
          // A line needs two epochs; a curve of one would not be seen.
          points: {
            show: (plot, i) => isSingle(plot.data[i]),
            size: 5,
            fill: () => styleOf(column).colour,
          },
          spanGaps: false,
        })),
      ],
      hooks: {
        drawClear: [
          (plot) => {
            now = beside();
            drawRungs(plot, rungs(), ink.line);
          },
        ],
        drawAxes: [(plot) => drawAreas(plot, now.areas, shown.log)],
        draw: [
          (plot) => {
            if (now.level)
              drawLevel(plot, now.level, `${12 * devicePixelRatio}px ${ink.font.slice(5)}`);
            drawMarks(plot, now.marks, ink.ground);
          },
        ],
        setSelect: [
          (plot) => {
            zoomed = plot.select.width > 0;
          },
        ],
        setCursor: [point],
      },
    },
    [[], ...columns.map(() => [])],
    host,
  );

  function restyle() {
    columns.forEach((column, i) => {
      const series = u.series[i + 1];
      if (series) series.width = styleOf(column).width;
    });
  }

  // uPlot goes back to the whole by itself on a double click, before this is heard.
  const unzoom = () => {
    zoomed = false;
  };
  let pressed: [number, number] = [0, 0];
  u.over.addEventListener("dblclick", unzoom, { capture: true });
  u.over.addEventListener("pointerdown", (event) => (pressed = [event.clientX, event.clientY]), {
    capture: true,
  });
  u.over.addEventListener("click", (event) => {
    const slip = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
    // The end of a drag is a click as well.
    if (slip <= SLIP) onPick(pointed?.column.arm ?? null);
  });
  const resizer = new ResizeObserver(() => {
    const width = Math.max(200, host.clientWidth);
    if (width !== u.width) u.setSize({ width, height: heightFor(width) });
  });
  resizer.observe(host);

  return {
    show({ data, points, extent: all }) {
      extent = all;
      restyle();
      u.setData(data, !zoomed);
      if (zoomed) u.redraw();
      host.dataset["points"] = String(points);
    },
    restyle() {
      restyle();
      u.redraw(false, false);
    },
    view() {
      const { x, y } = u.scales;
      if (x?.min == null || x.max == null || y?.min == null || y.max == null) return null;
      return { x: [x.min, x.max], y: [y.min, y.max] };
    },
    destroy() {
      resizer.disconnect();
      u.destroy();
      delete host.dataset["points"];
    },
  };
}

/** What the scale shows while there are no values: without one the axes would come in later, and push. */
const EMPTY: uPlot.Range.MinMax = [0, 1];
const EMPTY_LOG: uPlot.Range.MinMax = [0.1, 1];

function heightFor(width: number): number {
  return Math.round(Math.min(460, Math.max(260, width * 0.4)));
}

/** Whether a column has just one value. */
function isSingle(values: ArrayLike<number | null | undefined> = []): boolean {
  let seen = 0;
  for (let i = 0; i < values.length && seen < 2; i++) if (values[i] != null) seen++;
  return seen === 1;
}

/** The next figure with one digit: 0.0234 becomes 0.02 or 0.03. */
export function toOneDigit(value: number, round: (value: number) => number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return round(value / power) * power;
}

/** Ticks in words; on an even scale all have the same decimals. */
export function tickWords(
  ticks: readonly (number | null)[],
  { metric, log }: { readonly metric: Measured; readonly log: boolean },
): string[] {
  const percent = isShare(metric);
  const values = ticks.map((tick) => (tick === null || !percent ? tick : tick * 100));
  const decimals = log ? undefined : decimalsOf(values);
  return values.map((value) => {
    if (value === null) return "";
    const figure =
      decimals === undefined ? formatNumber(Number(value.toPrecision(6))) : value.toFixed(decimals);
    return percent ? `${figure} %` : figure;
  });
}
