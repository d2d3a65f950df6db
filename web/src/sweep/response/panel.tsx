/** The response with all that reads it. */

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Best, Metric, SweepDetail } from "../../api/types";
import { formatLevel, formatMetric, NONE } from "../../format";
import { minimised, objectiveOf } from "../../metrics";
import { csv, fileName, save } from "../../save";
import { ground } from "../../theme";
import { Exports } from "../exports";
import { PAGE, PAPER, savePng, saveSvg } from "../figure/export";
import { familiesIn, type Scope } from "../scope";
import type { Preliminary } from "../standing/preliminary";
import { armName, type SweepState } from "../state";
import { responseOf } from "./data";
import { frameOf, ResponseFigure, type Frame, type ResponseData } from "./figure";
import { formsOf, type ResponsePoint } from "./points";

interface ResponseProps {
  state: ReadonlySignal<SweepState | null>;
  best: ReadonlySignal<Best | null>;
  scope: ReadonlySignal<Scope>;
  objectives: ReadonlySignal<ReadonlyMap<string, Metric>>;
  preliminary: ReadonlySignal<Preliminary | null>;
  leader: ReadonlySignal<number | null>;
  picked: Signal<number | null>;
}

export function Response(props: ResponseProps) {
  const { state, best, scope, objectives, preliminary, leader, picked } = props;
  const now = state.value;
  if (!now) return null;
  const { detail } = now;
  const families = familiesIn(detail, scope.value);
  const data = responseOf(now, families, objectives.value, best.value, scope.value.decay);
  const figure = () => (
    <ResponseFigure
      {...{ detail, data, width: 800, ground: "light", inks: PAPER }}
      leader={leader.peek()}
      picked={picked.peek()}
      title={detail.name}
    />
  );
  const name = (ending: string) => fileName(detail.name, `response.${ending}`);
  return (
    <section class="card" aria-labelledby="response">
      <div class="card-head">
        <h2 id="response">
          Response{" "}
          <span class="faint">of the objective to b{preliminary.value ? ", preliminary" : ""}</span>
        </h2>
        <Exports
          label="Download the response"
          of={[
            { words: "PNG", take: () => savePng(figure(), name("png")) },
            { words: "SVG", take: () => saveSvg(figure(), name("svg")) },
            { words: "CSV", take: () => save(table(detail, data), name("csv")) },
          ]}
        />
      </div>
      {data.points.length === 0 ? (
        <p class="faint response-none">Nothing to compare yet.</p>
      ) : (
        <>
          <Live {...{ detail, data, leader, picked }} />
          <Key data={data} />
          <details>
            <summary>As a table</summary>
            <AsTable detail={detail} data={data} />
          </details>
        </>
      )}
    </section>
  );
}

interface LiveProps {
  detail: SweepDetail;
  data: ResponseData;
  leader: ReadonlySignal<number | null>;
  picked: Signal<number | null>;
}

/** Pixels from a point at which the pointer means it, from left to right. */
const REACH = 24;

/** The figure on the page, as wide as there is room, which answers to the pointer. */
function Live({ detail, data, leader, picked }: LiveProps) {
  const host = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const pointed = useSignal<number | null>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const resizer = new ResizeObserver(() => (width.value = Math.round(element.clientWidth)));
    resizer.observe(element);
    return () => resizer.disconnect();
  }, [width]);
  const frame = frameOf(detail, data, Math.max(280, width.value), false);
  function nearest(event: MouseEvent): number | null {
    const box = host.current?.getBoundingClientRect();
    if (!box) return null;
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let arm: number | null = null;
    let least = REACH;
    for (const point of data.points) {
      if (point.arm === 0) continue;
      const across = Math.abs(frame.place(point) - left);
      // Of several methods at one level the one whose value is nearest.
      const away = across + Math.abs(topOf(frame, point) - top) / 1_000;
      if (away < least) [arm, least] = [point.arm, away];
    }
    return arm;
  }
  const at = data.points.find(({ arm }) => arm === pointed.value);
  return (
    <div
      ref={host}
      class="response-live"
      role="img"
      aria-label={labelOf(detail, data)}
      onMouseMove={(event) => (pointed.value = nearest(event))}
      onMouseLeave={() => (pointed.value = null)}
      onClick={(event) => {
        const arm = nearest(event);
        picked.value = arm === picked.value ? null : arm;
      }}
    >
      {width.value > 0 && (
        <ResponseFigure
          {...{ detail, data }}
          width={Math.max(280, width.value)}
          ground={ground.value}
          inks={PAGE}
          leader={leader.value}
          picked={pointed.value ?? picked.value}
        />
      )}
      {at && (
        <div
          class="tip"
          aria-hidden="true"
          style={{
            left: `${frame.place(at)}px`,
            top: `${frame.y.at(Math.min(at.value, frame.y.max))}px`,
          }}
        >
          <div class="tip-box">
            <p>
              <strong>{armName(detail, at.arm)}</strong>
            </p>
            <p class="tip-figures">
              <span>
                objective <b>{formatMetric(at.value, objectiveOf(detail))}</b>
              </span>
              <Interval detail={detail} of={data.intervals.get(at.arm)} />
            </p>
            {!at.whole && (
              <p class="tip-words">
                {at.stopped ? `${at.status}: of the epochs that it had` : "so far"}
              </p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

/** Where a point is, from the top. */
function topOf({ y, area }: Frame, { value, stopped }: ResponsePoint): number {
  return stopped ? area.bottom - 7 : y.at(Math.min(value, y.max));
}

function Interval({
  detail,
  of,
}: {
  detail: SweepDetail;
  of: { low: number | null; high: number | null } | undefined;
}) {
  if (of?.low == null || of.high == null) return null;
  return (
    <span>
      {formatMetric(of.low, objectiveOf(detail))} to {formatMetric(of.high, objectiveOf(detail))}
    </span>
  );
}

function labelOf(detail: SweepDetail, { points }: ResponseData): string {
  const metric = objectiveOf(detail);
  const order = ({ value }: ResponsePoint) => minimised(value, metric.direction);
  const best = points.toSorted((a, b) => order(a) - order(b))[0];
  const which = metric.direction === "max" ? "highest" : "lowest";
  const most = best
    ? `; the ${which} is ${formatMetric(best.value, metric)} of ${armName(detail, best.arm)}`
    : "";
  return `The objective of ${points.length} arms against their flood level${most}. The table below tells the same.`;
}

const FORMS = ["●", "■", "◆"];

/** What forms and lines mean, where that isn't plain to see. */
function Key({ data }: { data: ResponseData }) {
  const forms = formsOf(data.points);
  const partial = data.points.some(({ arm, whole, stopped }) => !whole && !stopped && arm !== 0);
  const stopped = data.points.some((point) => point.stopped);
  const seeds = data.points.some((point) => point.seeds.length > 0);
  return (
    <div class="legend response-key">
      {forms.length > 1 &&
        forms.map((method, i) => (
          <span key={method}>
            {FORMS[i]} {method}
          </span>
        ))}
      {partial && <span>○ still being trained</span>}
      {stopped && <span>× ended before the others</span>}
      {seeds && <span>– a seed</span>}
      {data.intervals.size > 0 && <span>│ 90 % interval</span>}
      {data.fitted.size > 0 && (
        <span>
          <i class="stroke stroke-fitted" /> fitted
        </span>
      )}
    </div>
  );
}

const HEAD = ["arm", "method", "b", "objective", "low", "high", "trained to the end"];

function table(detail: SweepDetail, data: ResponseData): Blob {
  return csv([
    HEAD.map((word) => word.replaceAll(" ", "_")),
    ...data.points.map(({ arm, method, b, value, whole }) => {
      const interval = data.intervals.get(arm);
      const name = detail.arms_list[arm]?.name ?? "";
      const [low, high] = [interval?.low ?? null, interval?.high ?? null];
      return [name, method, b, value, low, high, whole ? 1 : 0];
    }),
  ]);
}

function AsTable({ detail, data }: { detail: SweepDetail; data: ResponseData }) {
  const figure = (value: number | null | undefined) =>
    value == null ? NONE : formatMetric(value, objectiveOf(detail));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="The response as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Arm</th>
            <th scope="col" class="figure">
              <var>b</var>
            </th>
            <th scope="col" class="figure">
              Objective
            </th>
            <th scope="col" class="figure">
              Interval
            </th>
            <th scope="col">Trained</th>
          </tr>
        </thead>
        <tbody>
          {data.points.map(({ arm, b, value, whole, status }) => {
            const of = data.intervals.get(arm);
            return (
              <tr key={arm}>
                <th scope="row">{armName(detail, arm)}</th>
                <td class="figure">{formatLevel(b)}</td>
                <td class="figure">{figure(value)}</td>
                <td class="figure">{of ? `${figure(of.low)} to ${figure(of.high)}` : NONE}</td>
                <td>{whole ? "to the end" : status}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
