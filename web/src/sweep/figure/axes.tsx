import { FONT, type Inks } from "./export";
import { ticksOf, type Scale } from "./ticks";

/** The plotting area of a figure, in its own pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface AxesProps {
  area: Area;
  x: Scale;
  y: Scale;
  xLabel: preact.ComponentChildren;
  yLabel: preact.ComponentChildren;
  xWords: (ticks: readonly number[]) => readonly string[];
  yWords: (ticks: readonly number[]) => readonly string[];
  inks: Inks;
}

/** Horizontal lines, figures and names of both axes. */
export function Axes({ area, x, y, xLabel, yLabel, xWords, yWords, inks }: AxesProps) {
  const { left, top, right, bottom } = area;
  const xs = ticksOf(x, Math.max(3, (right - left) / 75));
  const ys = ticksOf(y, Math.max(3, (bottom - top) / 42));
  const xTexts = xWords(xs);
  const yTexts = yWords(ys);
  return (
    <g
      font-size="12"
      font-family={FONT}
      fill={inks.faint}
      style="font-variant-numeric: tabular-nums"
    >
      {ys.map((tick, i) => (
        <g key={tick}>
          <path d={`M${left} ${y.at(tick)}H${right}`} stroke={inks.line} />
          <text x={left - 8} y={y.at(tick)} dy="0.35em" text-anchor="end">
            {yTexts[i]}
          </text>
        </g>
      ))}
      {xs.map((tick, i) => (
        <g key={tick}>
          <path d={`M${x.at(tick)} ${bottom}v4`} stroke={inks.line} />
          <text x={x.at(tick)} y={bottom + 18} text-anchor="middle">
            {xTexts[i]}
          </text>
        </g>
      ))}
      <text x={(left + right) / 2} y={bottom + 36} text-anchor="middle">
        {xLabel}
      </text>
      <text
        transform={`translate(${left - 50} ${(top + bottom) / 2}) rotate(-90)`}
        text-anchor="middle"
      >
        {yLabel}
      </text>
    </g>
  );
}

/** A line through points, broken at gaps. */
export function linePath(points: Iterable<readonly [number, number] | null>): string {
  let d = "";
  let open = false;
  for (const point of points) {
    if (point) d += `${open ? "L" : "M"}${round(point[0])} ${round(point[1])}`;
    open = point !== null;
  }
  return d;
}

/** The area between two lines of the same points. */
export function areaPath(points: readonly (readonly [number, number, number])[]): string {
  if (points.length < 2) return "";
  const forth = points.map(([x, low]) => `${round(x)} ${round(low)}`);
  const back = points.toReversed().map(([x, , high]) => `${round(x)} ${round(high)}`);
  return `M${[...forth, ...back].join("L")}Z`;
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
