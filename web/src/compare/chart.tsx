/** Responses of several sweeps in one figure, with the same figures as a table. */

import type { ObjectiveMetric } from "../api/types";
import { decimalsOf, formatLevel, formatMetric, metricWords, NONE } from "../format";
import { evenAxis, levelAxis, type Axis } from "./axes";
import type { Response } from "./response";

interface ChartProps {
  metric: ObjectiveMetric;
  responses: readonly Response[];
  /** What each sweep is called, by its place. */
  names: readonly string[];
}

const WIDTH = 860;
const HEIGHT = 340;
const AT = { left: 62, right: 14, top: 12, bottom: 40 };

export function ResponseChart({ metric, responses, names }: ChartProps) {
  const places = responses.flatMap((each) => each.places);
  const values = [
    ...places.flatMap(({ low, high }) => [low, high]),
    ...responses.flatMap(({ plain }) => plain ?? []),
  ];
  if (places.length === 0) {
    return <p class="faint">Nothing was reported yet of a level.</p>;
  }
  const xAxis = levelAxis(places.map(({ b }) => b));
  const yAxis = evenAxis(values);
  const x = (b: number) => AT.left + xAxis.place(b) * (WIDTH - AT.left - AT.right);
  const y = (value: number) =>
    HEIGHT - AT.bottom - yAxis.place(value) * (HEIGHT - AT.top - AT.bottom);
  const words = `${metricWords(metric)} against the flood level, for ${names.join(", ")}`;
  return (
    <figure class="response">
      <div class="scroll" tabIndex={0} role="region" aria-label="Figure">
        <svg role="img" aria-label={words} viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
          <Grid metric={metric} xAxis={xAxis} yAxis={yAxis} x={x} y={y} />
          {responses.map((response) => (
            <Series key={`${response.sweep} ${response.method}`} response={response} x={x} y={y} />
          ))}
        </svg>
      </div>
      <figcaption>
        <Legend responses={responses} names={names} />
        <p class="hint">
          A mean over the seeds that were trained to the end, with the range of these; hollow where
          none was, so that it has seen fewer epochs. Dashed: plain.
        </p>
      </figcaption>
      <AsTable metric={metric} responses={responses} names={names} />
    </figure>
  );
}

interface GridProps {
  metric: ObjectiveMetric;
  xAxis: Axis;
  yAxis: Axis;
  x: (b: number) => number;
  y: (value: number) => number;
}

function Grid({ metric, xAxis, yAxis, x, y }: GridProps) {
  const bottom = HEIGHT - AT.bottom;
  const percent = metric === "val_error";
  const told = yAxis.ticks.map((tick) => (percent ? tick * 100 : tick));
  const decimals = decimalsOf(told);
  return (
    <g class="grid">
      {yAxis.ticks.map((tick, i) => (
        <g key={tick}>
          <line x1={AT.left} x2={WIDTH - AT.right} y1={y(tick)} y2={y(tick)} />
          <text x={AT.left - 8} y={y(tick)} dy="0.35em" text-anchor="end">
            {formatLevel(told[i], decimals)}
            {percent && " %"}
          </text>
        </g>
      ))}
      {xAxis.ticks.map((tick) => (
        <text key={tick} x={x(tick)} y={bottom + 16} text-anchor="middle">
          {formatLevel(tick)}
        </text>
      ))}
      <text x={(AT.left + WIDTH - AT.right) / 2} y={HEIGHT - 6} text-anchor="middle">
        flood level b
      </text>
    </g>
  );
}

interface SeriesProps {
  response: Response;
  x: (b: number) => number;
  y: (value: number) => number;
}

function Series({ response, x, y }: SeriesProps) {
  const { sweep, places, plain } = response;
  const whole = places.filter((place) => place.whole);
  const line = whole.map(({ b, mean }, i) => `${i ? "L" : "M"}${x(b)} ${y(mean)}`).join("");
  return (
    <g class={seriesClass(sweep)}>
      {plain !== null && (
        <line class="plain" x1={AT.left} x2={WIDTH - AT.right} y1={y(plain)} y2={y(plain)} />
      )}
      {places.map(
        ({ b, low, high, seeds }) =>
          seeds > 1 && <line key={b} class="range" x1={x(b)} x2={x(b)} y1={y(low)} y2={y(high)} />,
      )}
      {line && <path class="line" d={line} />}
      {places.map((place) => (
        <Mark
          key={place.b}
          response={response}
          at={[x(place.b), y(place.mean)]}
          hollow={!place.whole}
        />
      ))}
    </g>
  );
}

/** Marks differ in shape too, for readers to whom colours look alike. */
const SHAPES: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z`,
  (x, y) => `M${x - 3.6} ${y - 3.6}h7.2v7.2h-7.2Z`,
  (x, y) => `M${x} ${y - 4.8}l4.8 8.4h-9.6Z`,
  (x, y) => `M${x} ${y - 5.2}l5.2 5.2l-5.2 5.2l-5.2 -5.2Z`,
  (x, y) => `M${x} ${y + 4.8}l4.8 -8.4h-9.6Z`,
  (x, y) => `M${x - 5} ${y - 1.6}h3.4v-3.4h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4Z`,
];

interface MarkProps {
  response: Pick<Response, "sweep" | "method">;
  at: readonly [number, number];
  hollow?: boolean;
}

function Mark({ response, at: [x, y], hollow = false }: MarkProps) {
  const shape = SHAPES[response.sweep % SHAPES.length];
  return <path class={hollow ? "mark hollow" : "mark"} d={shape?.(x, y)} />;
}

/** The class that gives a sweep its colour. */
export function seriesClass(sweep: number): string {
  return `series series-${sweep % SHAPES.length}`;
}

/** A sweep's mark, as in the figure. */
export function Key({ sweep }: { sweep: number }) {
  return (
    <svg class={`key ${seriesClass(sweep)}`} aria-hidden="true" viewBox="-8 -8 16 16">
      <Mark response={{ sweep, method: "" }} at={[0, 0]} />
    </svg>
  );
}

function Legend({ responses, names }: Omit<ChartProps, "metric">) {
  return (
    <ul class="legend">
      {responses.map(({ sweep, method }) => (
        <li key={`${sweep} ${method}`}>
          <Key sweep={sweep} /> {names[sweep]}
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
  const told = (value: number | null | undefined) => formatMetric(value, metric);
  return (
    <details>
      <summary>As a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="The figure as a table">
        <table>
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
                  {told(plain)}
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
                      {place ? told(place.mean) : NONE}
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
