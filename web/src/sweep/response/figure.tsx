/** The objective against b: measured points, what is fitted to them, plain's band, the noise floor. */

import type { SweepDetail } from "../../api/types";
import { formatLevel } from "../../format";
import { objectiveOf } from "../../metrics";
import { levelScale, neutral, type Ground } from "../colour";
import { armColours } from "../curves/style";
import { tickWords } from "../curves/plot";
import { areaPath, Axes, linePath, type Area } from "../figure/axes";
import { arrow, boundOf } from "../figure/bound";
import { FONT, type Inks } from "../figure/export";
import { roomy, scaleOf, type Scale } from "../figure/ticks";
import { formsOf, type ResponsePoint } from "./points";

/** A value with its interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** A level of the fitted curve. */
export interface Fitted extends Estimate {
  readonly b: number;
}

export interface ResponseData {
  readonly points: readonly ResponsePoint[];
  /** By method; its levels in rising order. */
  readonly fitted: ReadonlyMap<string, readonly Fitted[]>;
  /** Intervals of single arms. */
  readonly intervals: ReadonlyMap<number, Estimate>;
  readonly plain: Estimate | null;
  /** What label noise leaves of the validation loss at best. */
  readonly floor: number | null;
}

interface ResponseFigureProps {
  detail: SweepDetail;
  data: ResponseData;
  width: number;
  ground: Ground;
  inks: Inks;
  leader: number | null;
  picked: number | null;
  title?: string;
  onPick?: (arm: number) => void;
  onPoint?: (arm: number | null) => void;
}

/** Where a figure's points lie, for whoever points at them. */
export interface Frame {
  readonly area: Area;
  readonly height: number;
  readonly x: Scale;
  readonly y: Scale;
  /** Where an arm stands from left to right; those without a level have columns of their own. */
  readonly place: (point: Pick<ResponsePoint, "arm" | "b">) => number;
  /** The arms without a level that have a column, in order. */
  readonly gutter: readonly number[];
}

/** Pixels of a column of an arm without a level. */
const COLUMN = 56;

export function frameOf(
  detail: SweepDetail,
  { points, fitted, intervals, plain, floor }: ResponseData,
  width: number,
  titled: boolean,
): Frame {
  const height = Math.round(Math.min(420, Math.max(300, width * 0.5))) + (titled ? 30 : 0);
  const gutter = points.filter(({ arm, b }) => b === null && arm !== 0).map(({ arm }) => arm);
  const area = {
    left: 68,
    top: titled ? 48 : 16,
    right: width - 16 - gutter.length * COLUMN,
    bottom: height - 50,
  };
  const levels = detail.arms_list.flatMap(({ b }) => (b == null ? [] : [b]));
  const scale = levelScale(levels);
  const [low, high] = levels.length > 0 ? [scale.low, scale.high] : [0, 1];
  const room = scale.log
    ? (high / low) ** 0.04
    : (high - low) * 0.04 || Math.abs(high) * 0.2 || 0.1;
  const x = scaleOf(
    scale.log ? [low / room, high * room] : [low - room, high + room],
    [area.left, area.right],
    scale.log,
  );
  const drawn = points.filter(({ stopped }) => !stopped);
  const shown = drawn.map(({ value }) => value);
  const bound = boundOf(shown, objectiveOf(detail).direction);
  const curves = [...fitted.values()].flat();
  const values = [
    ...shown,
    ...drawn.flatMap(({ seeds }) => seeds),
    ...[...intervals.values(), ...curves, ...(plain ? [plain] : [])].flatMap((each) =>
      [each.value, each.low, each.high].flatMap((value) => value ?? []),
    ),
    ...(floor === null ? [] : [floor]),
  ].filter((value) => value <= bound);
  const y = scaleOf(roomy(values), [area.bottom, area.top]);
  const place = ({ arm, b }: Pick<ResponsePoint, "arm" | "b">) =>
    b !== null ? x.at(b) : area.right + COLUMN * (gutter.indexOf(arm) + 0.5);
  return { area, height, x, y, place, gutter };
}

/** Arms beyond which their marks would hide one another. */
const CROWD = 60;

export function ResponseFigure(props: ResponseFigureProps) {
  const { detail, data, width, ground, inks, leader, picked, title } = props;
  const frame = frameOf(detail, data, width, title !== undefined);
  const { area, height, x, y } = frame;
  const shown = data.points.filter(({ arm, stopped }) => arm !== 0 && !stopped);
  const forms = formsOf(data.points);
  // Those lie above all others.
  const isStrong = ({ arm }: ResponsePoint) => arm === leader || arm === picked;
  const ticks = { metric: objectiveOf(detail), log: false };
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      font-family={FONT}
      class="response-drawing"
      aria-hidden="true"
    >
      {title !== undefined && (
        <>
          <rect width={width} height={height} fill={inks.ground} />
          <text x={area.left} y={28} font-size="15" font-weight="600" fill={inks.text}>
            {title.length > 80 ? `${title.slice(0, 79)}…` : title}
          </text>
        </>
      )}
      <Axes
        area={area}
        x={x}
        y={y}
        xLabel={
          <tspan font-style="italic" font-family="Georgia, serif" font-size="13">
            b
          </tspan>
        }
        yLabel={detail.metric}
        xWords={(ticks) => ticks.map((tick) => formatLevel(tick))}
        yWords={(at) => tickWords(at, ticks)}
        inks={inks}
      />
      <Plain {...{ data, frame, ground, inks }} />
      {data.floor !== null && <Floor {...{ frame, inks }} floor={data.floor} />}
      {[...data.fitted].map(([method, curve]) => (
        <FittedCurve key={method} {...{ frame, curve, inks }} />
      ))}
      <Gutter {...{ detail, frame, inks }} />
      {data.points
        .filter(({ arm, stopped }) => arm !== 0 && stopped)
        .map((point) => (
          <Stopped key={point.arm} {...{ detail, point, frame, ground }} />
        ))}
      {shown
        .toSorted((a, b) => Number(isStrong(a)) - Number(isStrong(b)))
        .map((point) => (
          <Point
            key={point.arm}
            {...{ detail, point, frame, ground, inks }}
            interval={data.intervals.get(point.arm)}
            form={forms.indexOf(point.method)}
            strong={isStrong(point)}
            crowded={shown.length > CROWD}
          />
        ))}
    </svg>
  );
}

interface PartProps {
  frame: Frame;
  inks: Inks;
}

/** Plain, with which every level is compared: a line and its interval across the figure. */
function Plain({ data, frame, ground, inks }: PartProps & { data: ResponseData; ground: Ground }) {
  const { area, y } = frame;
  const plain = data.plain;
  if (!plain) return null;
  const at = y.at(Math.min(y.max, plain.value));
  const above = plain.value > y.max;
  const clamped = (value: number) => y.at(Math.min(y.max, Math.max(y.min, value)));
  return (
    <g>
      {plain.low !== null && plain.high !== null && !above && (
        <rect
          x={area.left}
          width={area.right - area.left}
          y={clamped(plain.high)}
          // While a sweep runs, its interval may still lie apart from what is drawn.
          height={Math.max(0, clamped(plain.low) - clamped(plain.high))}
          fill={neutral(ground, 0.14)}
        />
      )}
      <path d={`M${area.left} ${at}H${area.right}`} stroke={neutral(ground)} stroke-width="2" />
      <text x={area.left + 6} y={at - 6} font-size="12" fill={inks.faint}>
        plain{above ? " ↑" : ""}
      </text>
    </g>
  );
}

function Floor({ frame: { area, y }, inks, floor }: PartProps & { floor: number }) {
  if (floor > y.max || floor < y.min) return null;
  return (
    <g>
      <path
        d={`M${area.left} ${y.at(floor)}H${area.right}`}
        stroke={inks.faint}
        stroke-dasharray="2 3"
      />
      <text
        x={area.right - 6}
        y={y.at(floor) - 6}
        text-anchor="end"
        font-size="12"
        fill={inks.faint}
      >
        label-noise floor
      </text>
    </g>
  );
}

function FittedCurve({ frame: { x, y }, curve, inks }: PartProps & { curve: readonly Fitted[] }) {
  const clamped = (value: number) => y.at(Math.min(y.max, Math.max(y.min, value)));
  const area = curve.flatMap(({ b, low, high }) =>
    low === null || high === null ? [] : [[x.at(b), clamped(low), clamped(high)] as const],
  );
  return (
    <g fill="none">
      <path d={areaPath(area)} fill={inks.accent} fill-opacity="0.1" />
      <path
        d={linePath(curve.map(({ b, value }) => [x.at(b), clamped(value)] as const))}
        stroke={inks.accent}
        stroke-width="1.5"
        stroke-opacity="0.8"
      />
    </g>
  );
}

/** The names of the arms without a level, below their columns. */
function Gutter({ detail, frame, inks }: PartProps & { detail: SweepDetail }) {
  const { area, gutter, place } = frame;
  if (gutter.length === 0) return null;
  return (
    <g font-size="11" fill={inks.faint}>
      <path d={`M${area.right + 4} ${area.top}V${area.bottom}`} stroke={inks.line} />
      {gutter.map((arm) => {
        const name = detail.arms_list[arm]?.name ?? "";
        const [method = "", ...parameter] = name.split(" ");
        const at = place({ arm, b: null });
        return (
          <text key={arm} x={at} y={area.bottom + 16} text-anchor="middle">
            <tspan x={at}>{method.replace("gradient_penalty", "penalty")}</tspan>
            {parameter.map((each) => (
              <tspan key={each} x={at} dy="13">
                {each.length > 12 ? `${each.slice(0, 11)}…` : each}
              </tspan>
            ))}
          </text>
        );
      })}
    </g>
  );
}

interface PointProps extends PartProps {
  detail: SweepDetail;
  point: ResponsePoint;
  ground: Ground;
  interval: Estimate | undefined;
  /** Which form its method has, from 0; −1 for methods without a level. */
  form: number;
  strong: boolean;
  /** Whether there are so many that only the strong show their seeds and a whole mark. */
  crowded: boolean;
}

/** An arm: hollow and faded where it was not trained to the end, its seeds as ticks. */
function Point({
  detail,
  point,
  frame,
  ground,
  inks,
  interval,
  form,
  strong,
  crowded,
}: PointProps) {
  const { y, place } = frame;
  const cx = place(point);
  const clamped = (value: number) => y.at(Math.min(y.max, Math.max(y.min, value)));
  const colour = armColours(detail, ground);
  const faded = point.whole ? 1 : 0.55;
  const ink = colour(point.arm, faded);
  const slight = crowded && !strong;
  const size = strong ? 6 : slight ? 2 : 4.2;
  const cy = clamped(point.value);
  return (
    <g stroke={ink} fill="none" data-arm={point.arm}>
      {interval?.low != null && interval.high != null && (
        <path
          d={`M${cx} ${clamped(interval.low)}V${clamped(interval.high)}`}
          stroke-width={slight ? 0.7 : 1.6}
          stroke-opacity={slight ? 0.35 : 1}
        />
      )}
      {!slight &&
        point.seeds.map((value, i) => (
          <path
            key={i}
            d={`M${cx - 4} ${clamped(value)}h8`}
            stroke={colour(point.arm, 0.5 * faded)}
          />
        ))}
      <path
        d={point.value > y.max ? arrow(cx, cy) : shape(form, cx, cy, size)}
        fill={point.whole ? ink : inks.ground}
        stroke={strong ? inks.text : ink}
        stroke-width={strong ? 1.8 : 1.4}
      />
    </g>
  );
}

/** An arm that went no further than others: what it had then compares with nothing that they have now. */
function Stopped({
  detail,
  point,
  frame,
  ground,
}: Omit<PointProps, "inks" | "interval" | "form" | "strong" | "crowded">) {
  const { area, place } = frame;
  return (
    <path
      d={cross(place(point), area.bottom - 7, 3.2)}
      stroke={armColours(detail, ground)(point.arm, 0.8)}
      stroke-width="1.7"
      data-arm={point.arm}
    />
  );
}

function cross(x: number, y: number, r: number): string {
  return `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x - r} ${y + r}l${2 * r} ${-2 * r}`;
}

/** A circle, a square, a diamond, a triangle. */
function shape(form: number, x: number, y: number, r: number): string {
  switch (form) {
    case 1:
      return `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
    case 2:
      return `M${x} ${y - 1.3 * r}l${1.3 * r} ${1.3 * r}l${-1.3 * r} ${1.3 * r}l${-1.3 * r} ${-1.3 * r}z`;
    case -1:
      return `M${x} ${y - 1.2 * r}l${1.15 * r} ${2 * r}h${-2.3 * r}z`;
    default:
      return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  }
}
