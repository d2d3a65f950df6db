/** The chart itself: uPlot, told what to draw. */

import uPlot from "uplot";
import { decimalsOf } from "../format";
import type { Column, Plotted, Shown } from "./series";

/** How a column looks just now. */
export interface Look {
  readonly colour: string;
  readonly width: number;
  /** Whether the curve has ended before its time, which a dot marks. */
  readonly ended: boolean;
}

/** What is under the pointer. */
export interface Reading {
  readonly arm: number;
  readonly epoch: number;
}

export interface PlotOptions {
  readonly host: HTMLElement;
  readonly columns: readonly Column[];
  readonly shown: Shown;
  readonly epochs: number;
  readonly rungs: readonly number[];
  /** Asked at each drawing, so that looks change without another chart. */
  readonly look: (column: Column) => Look;
  readonly onRead: (reading: Reading | null) => void;
}

export interface Plot {
  /** Shows other data. */
  show(plotted: Plotted): void;
  /** Brings an arm to the fore, or none. */
  focus(arm: number | null): void;
  destroy(): void;
}

/** What stands beside the axis. */
const AXES = { loss: "loss (nats)", error: "error", gradient: "norm of the gradient" };

/** Pixels from a curve at which the pointer still means it. */
const REACH = 30;

/** Steps between ticks, in epochs: there are no halves. */
const EPOCH_STEPS = [0, 1, 2, 3, 4].flatMap((power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
);

/** The page's colours for what is not a curve. */
function inks(host: HTMLElement) {
  const style = getComputedStyle(host);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { text: of("--faint"), line: of("--line"), font: `12px ${style.fontFamily}` };
}

export function createPlot(options: PlotOptions): Plot {
  const { host, columns, shown, epochs, rungs, look, onRead } = options;
  const ink = inks(host);
  let zoomed = false;
  let focused: number | null = null;

  function applyLooks(u: uPlot) {
    columns.forEach((column, i) => {
      const series = u.series[i + 1];
      if (series) series.width = look(column).width;
    });
  }

  const axis: uPlot.Axis = {
    stroke: ink.text,
    font: ink.font,
    labelFont: ink.font,
    grid: { stroke: ink.line, width: 1 },
    ticks: { stroke: ink.line, width: 1, size: 4 },
  };

  const u = new uPlot(
    {
      width: Math.max(200, host.clientWidth),
      height: heightFor(host.clientWidth),
      legend: { show: false },
      focus: { alpha: 0.25 },
      cursor: {
        focus: { prox: REACH },
        // A curve that has ended isn't under a pointer beyond its end.
        dataIdx: (_, __, index) => index,
        points: { size: 7 },
        drag: { x: true, y: false },
        y: false,
      },
      scales: {
        x: { time: false, range: (_, min, max) => (zoomed ? [min, max] : [0, epochs]) },
        y: {
          distr: shown.log ? 3 : 1,
          range: shown.log
            ? // Left to itself uPlot goes on to whole powers of ten.
              (_, min, max) => [toOneDigit(min, Math.floor), toOneDigit(max, Math.ceil)]
            : { min: { pad: 0.05, soft: 0, mode: 1 }, max: { pad: 0.05 } },
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
          label: AXES[shown.metric],
          labelSize: 20,
          size: 52,
          gap: 4,
          values: (_, ticks) => tickWords(ticks, shown),
        },
      ],
      series: [
        { label: "epoch" },
        ...columns.map((column): uPlot.Series => {
          const { width } = look(column);
          return {
            label: `${column.arm}`,
            stroke: () => look(column).colour,
            width,
            ...(column.kind === "train" ? { dash: [4, 3] } : {}),
            points: { show: false },
            spanGaps: false,
          };
        }),
      ],
      hooks: {
        drawClear: [(plot) => drawRungs(plot, rungs, ink.line)],
        draw: [(plot) => drawEnds(plot, columns, look)],
        setSelect: [
          (plot) => {
            zoomed = plot.select.width > 0;
          },
        ],
        setSeries: [
          (_, index) => {
            focused = index == null ? null : (columns[index - 1]?.arm ?? null);
          },
        ],
        setCursor: [
          (plot) => {
            const index = plot.cursor.idx;
            const epoch = index == null ? undefined : plot.data[0][index];
            onRead(focused !== null && epoch !== undefined ? { arm: focused, epoch } : null);
          },
        ],
      },
    },
    [[], ...columns.map(() => [])],
    host,
  );

  // uPlot goes back to the whole by itself on a double click, before this is heard.
  const unzoom = () => {
    zoomed = false;
  };
  u.over.addEventListener("dblclick", unzoom, { capture: true });
  const resizer = new ResizeObserver(() => {
    const width = Math.max(200, host.clientWidth);
    if (width !== u.width) u.setSize({ width, height: heightFor(width) });
  });
  resizer.observe(host);

  return {
    show({ data, points }) {
      applyLooks(u);
      u.setData(data, !zoomed);
      if (zoomed) u.redraw();
      host.dataset["points"] = String(points);
    },
    focus(arm) {
      const index = columns.findLastIndex((column) => column.arm === arm);
      u.setSeries(index < 0 ? null : index + 1, { focus: true });
    },
    destroy() {
      resizer.disconnect();
      u.destroy();
      delete host.dataset["points"];
    },
  };
}

function heightFor(width: number): number {
  return Math.round(Math.min(460, Math.max(260, width * 0.42)));
}

/** The next figure with one digit: 0.0234 becomes 0.02 or 0.03. */
function toOneDigit(value: number, round: (value: number) => number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return round(value / power) * power;
}

/** Ticks in words; on an even scale all have the same decimals. */
function tickWords(ticks: readonly (number | null)[], { metric, log }: Shown): string[] {
  const percent = metric === "error";
  const values = ticks.map((tick) => (tick === null || !percent ? tick : tick * 100));
  const decimals = log ? undefined : decimalsOf(values);
  return values.map((value) => {
    if (value === null) return "";
    const figure =
      decimals === undefined ? String(Number(value.toPrecision(6))) : value.toFixed(decimals);
    return percent ? `${figure} %` : figure;
  });
}

/** Thin lines where the scheduler decides. */
function drawRungs(plot: uPlot, rungs: readonly number[], colour: string) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.beginPath();
  for (const rung of rungs) {
    const x = plot.valToPos(rung, "x", true);
    if (x <= bbox.left || x >= bbox.left + bbox.width) continue;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

/** A dot where a curve ended before its time. */
function drawEnds(plot: uPlot, columns: readonly Column[], look: PlotOptions["look"]) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  columns.forEach((column, i) => {
    const { ended, colour } = look(column);
    const values = plot.data[i + 1];
    if (!ended || column.kind === "train" || !values) return;
    let last = values.length - 1;
    while (last >= 0 && values[last] == null) last -= 1;
    const [x, y] = [plot.data[0][last], values[last]];
    if (x === undefined || y == null) return;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(
      plot.valToPos(x, "x", true),
      plot.valToPos(y, "y", true),
      2.5 * devicePixelRatio,
      0,
      2 * Math.PI,
    );
    ctx.fill();
  });
  ctx.restore();
}
