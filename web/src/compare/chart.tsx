/** Responses of several sweeps in one figure, with the same figures as a table. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MetricInfo } from "../api/types";
import { decimalsOf, formatLevel, formatMetric, NONE } from "../format";
import { isShare } from "../metrics";
import { arrow } from "../sweep/figure/bound";
import { evenAxis, levelAxis, type Axis } from "./axes";
import { commonBound, type Response } from "./response";

interface ChartProps {
  metric: MetricInfo;
  responses: readonly Response[];
  /** What each sweep is called, by its place. */
  names: readonly string[];
}

const AT = { left: 58, right: 14, top: 12, bottom: 40 };
/** From so many places of one response on, marks would hide one another. */
const CROWD = 40;

export function ResponseChart(props: ChartProps) {
  const isEmpty = props.responses.every(({ places }) => places.length === 0);
  return isEmpty ? (
    <p class="faint">Nothing was reported yet of a level.</p>
  ) : (
    <Figure {...props} />
  );
}

function Figure({ metric, responses, names }: ChartProps) {
  const [host, width] = useWidth();
  const places = responses.flatMap((each) => each.places);
  const plains = responses.flatMap(({ plain }) => plain ?? []);
  const bound = commonBound(responses);
  const values = [...places.flatMap(({ low, high }) => [low, high]), ...plains].filter(
    (value) => value <= bound,
  );
  const height = Math.round(Math.min(420, Math.max(240, width * 0.4)));
  const xAxis = levelAxis(
    places.map(({ b }) => b),
    width / 90,
  );
  const yAxis = evenAxis(values, height / 60);
  const frame: Frame = {
    width,
    height,
    x: (b) => AT.left + xAxis.place(b) * (width - AT.left - AT.right),
    top: yAxis.high,
    y: (value) =>
      height - AT.bottom - yAxis.place(Math.min(value, yAxis.high)) * (height - AT.top - AT.bottom),
  };
  const words = `${metric.name} against the flood level, for ${names.join(", ")}`;
  return (
    <figure class="response" ref={host}>
      <svg role="img" aria-label={words} width={width} height={height}>
        <Grid metric={metric} xAxis={xAxis} yAxis={yAxis} frame={frame} />
        {responses.map((response) => (
          <Series key={`${response.sweep} ${response.method}`} response={response} frame={frame} />
        ))}
      </svg>
      <figcaption>
        <Legend responses={responses} names={names} />
        <p class="hint">
          A mean over the seeds that were trained to the end, with the range of these; hollow where
          none was, so that it has seen fewer epochs. Long dashes: plain.
          {[...places.map(({ mean }) => mean), ...plains].some((value) => value > yAxis.high) &&
            " An arrow: far above the figure, see the table."}
        </p>
      </figcaption>
      <AsTable metric={metric} responses={responses} names={names} />
    </figure>
  );
}

/** The width that an element has to fill, in pixels; measured before anything is painted. */
function useWidth() {
  const host = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(860);
  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return;
    const measure = () => setWidth(Math.max(260, Math.floor(element.clientWidth)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return [host, width] as const;
}

/** Where values lie in the figure, in pixels. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly x: (b: number) => number;
  /** The highest value that has a place of its own; those above it lie there too. */
  readonly top: number;
  readonly y: (value: number) => number;
}

interface GridProps {
  metric: MetricInfo;
  xAxis: Axis;
  yAxis: Axis;
  frame: Frame;
}

function Grid({ metric, xAxis, yAxis, frame: { width, height, x, y } }: GridProps) {
  const bottom = height - AT.bottom;
  const percent = isShare(metric);
  const shown = yAxis.ticks.map((tick) => (percent ? tick * 100 : tick));
  const decimals = decimalsOf(shown);
  return (
    <g class="grid">
      {yAxis.ticks.map((tick, i) => (
        <g key={tick}>
          <line x1={AT.left} x2={width - AT.right} y1={y(tick)} y2={y(tick)} />
          <text x={AT.left - 8} y={y(tick)} dy="0.35em" text-anchor="end">
            {formatLevel(shown[i], decimals)}
            {percent && " %"}
          </text>
        </g>
      ))}
      {xAxis.ticks.map((tick) => (
        <text key={tick} x={x(tick)} y={bottom + 16} text-anchor="middle">
          {formatLevel(tick)}
        </text>
      ))}
      <text x={(AT.left + width - AT.right) / 2} y={height - 6} text-anchor="middle">
        flood level b
      </text>
    </g>
  );
}

interface SeriesProps {
  response: Response;
  frame: Frame;
}

function Series({ response, frame: { width, x, top, y } }: SeriesProps) {
  const { places, plain } = response;
  const whole = places.filter((place) => place.whole);
  const line = whole.map(({ b, mean }, i) => `${i ? "L" : "M"}${x(b)} ${y(mean)}`).join("");
  return (
    <g class={seriesClass(response)}>
      {plain !== null && plain <= top && (
        <line class="plain" x1={AT.left} x2={width - AT.right} y1={y(plain)} y2={y(plain)} />
      )}
      {plain !== null && plain > top && <path class="mark" d={arrow(AT.left, y(plain))} />}
      {places.map(
        ({ b, low, high, seeds }) =>
          seeds > 1 && <line key={b} class="range" x1={x(b)} x2={x(b)} y1={y(low)} y2={y(high)} />,
      )}
      {line && <path class="line" d={line} />}
      {places.map((place) =>
        place.mean > top ? (
          <path key={place.b} class="mark" d={arrow(x(place.b), y(place.mean))} />
        ) : (
          <Mark
            key={place.b}
            sweep={response.sweep}
            at={[x(place.b), y(place.mean)]}
            hollow={!place.whole}
            size={places.length > CROWD ? 0.45 : 1}
          />
        ),
      )}
    </g>
  );
}

/** Marks differ in shape too, for readers to whom colours look alike. */
const SHAPES: readonly string[] = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
  "M-3.6 -3.6h7.2v7.2h-7.2Z",
  "M0 -4.8l4.8 8.4h-9.6Z",
  "M0 -5.2l5.2 5.2l-5.2 5.2l-5.2 -5.2Z",
  "M0 4.8l4.8 -8.4h-9.6Z",
  "M-5 -1.6h3.4v-3.4h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4Z",
];

interface MarkProps {
  sweep: number;
  at: readonly [number, number];
  hollow?: boolean;
  size?: number;
}

function Mark({ sweep, at: [x, y], hollow = false, size = 1 }: MarkProps) {
  return (
    <path
      class={hollow ? "mark hollow" : "mark"}
      d={SHAPES[sweep % SHAPES.length]}
      transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${size})`}
    />
  );
}

/** The order in which a sweep's methods get their lines. */
const METHODS: readonly string[] = ["flood", "iflood", "softad"];

/** The classes that give a response its colour and its line. */
function seriesClass({ sweep, method }: Pick<Response, "sweep" | "method">): string {
  const line = Math.max(0, METHODS.indexOf(method));
  return `series series-${sweep % SHAPES.length} method-${line}`;
}

/** A sweep's mark, as in the figure; with its line if it stands for a method. */
export function Key({ sweep, method }: { sweep: number; method?: string }) {
  const wide = method === undefined ? 8 : 16;
  return (
    <svg
      class={`key ${seriesClass({ sweep, method: method ?? "" })}`}
      aria-hidden="true"
      viewBox={`${-wide} -8 ${2 * wide} 16`}
    >
      {method !== undefined && <path class="line" d={`M${-wide} 0h${2 * wide}`} />}
      <Mark sweep={sweep} at={[0, 0]} />
    </svg>
  );
}

function Legend({ responses, names }: Omit<ChartProps, "metric">) {
  return (
    <ul class="legend">
      {responses.map(({ sweep, method }) => (
        <li key={`${sweep} ${method}`}>
          <Key sweep={sweep} method={method} /> {names[sweep]}
          {method !== "flood" && <span class="faint">, {method}</span>}
        </li>
      ))}
    </ul>
  );
}

function AsTable({ metric, responses, names }: ChartProps) {
  const levels = [...new Set(responses.flatMap(({ places }) => places.map(({ b }) => b)))];
  levels.sort((a, b) => a - b);
  const decimals = decimalsOf(levels);
  const words = (value: number | null | undefined) => formatMetric(value, metric);
  return (
    <details>
      <summary>As a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="The figure as a table">
        <table class="compared">
          <thead>
            <tr>
              <th scope="col" class="figure">
                <var>b</var>
              </th>
              {responses.map(({ sweep, method }) => (
                <th key={`${sweep} ${method}`} scope="col" class="figure">
                  {names[sweep]}
                  {method !== "flood" && `, ${method}`}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row" class="figure">
                plain
              </th>
              {responses.map(({ sweep, method, plain }) => (
                <td key={`${sweep} ${method}`} class="figure">
                  {words(plain)}
                </td>
              ))}
            </tr>
            {levels.map((level) => (
              <tr key={level}>
                <th scope="row" class="figure">
                  {formatLevel(level, decimals)}
                </th>
                {responses.map(({ sweep, method, places }) => {
                  const place = places.find(({ b }) => b === level);
                  return (
                    <td key={`${sweep} ${method}`} class="figure">
                      {place ? words(place.mean) : NONE}
                      {place && !place.whole && <span class="faint"> so far</span>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
