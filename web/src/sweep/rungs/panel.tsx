/** The rungs as number lines: who stood where, who went on. */

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { SweepDetail } from "../../api/types";
import { formatMetric, NONE } from "../../format";
import { minimised, objectiveOf } from "../../metrics";
import { ground } from "../../theme";
import { armColours } from "../curves/style";
import { scaleOf } from "../figure/ticks";
import type { Scope } from "../scope";
import { armName, isFinal, type SweepState } from "../state";
import { rungsOf, type Rung, type Stand } from "./rungs";

interface RungsProps {
  state: ReadonlySignal<SweepState | null>;
  scope: ReadonlySignal<Scope>;
  picked: Signal<number | null>;
}

export function Rungs({ state, scope, picked }: RungsProps) {
  const now = state.value;
  if (!now) return null;
  const rungs = rungsOf(now, scope.value.decay);
  return (
    <section class="card" aria-labelledby="rungs">
      <div class="card-head">
        <h2 id="rungs">Rungs</h2>
        {rungs.length > 0 && (
          <span class="legend">
            <span>
              <svg class="glyph glyph-full" viewBox="0 0 12 12" aria-hidden="true">
                <circle cx="6" cy="6" r="4" />
              </svg>{" "}
              went on
            </span>
            <span>
              <svg class="glyph" viewBox="0 0 12 12" aria-hidden="true">
                <path d="M2.5 2.5 9.5 9.5M2.5 9.5 9.5 2.5" />
              </svg>{" "}
              pruned
            </span>
          </span>
        )}
      </div>
      {rungs.length === 0 ? (
        <p class="faint">{emptyWords(now)}</p>
      ) : (
        rungs.map((rung) => (
          <OneRung key={rung.rung} detail={now.detail} rung={rung} picked={picked} />
        ))
      )}
    </section>
  );
}

function emptyWords({ detail, status }: SweepState): string {
  if (detail.stages.length === 1) return "Every arm is trained to the end: no rung decides.";
  return isFinal(status) ? "The sweep ended before a rung decided." : "No rung has decided yet.";
}

interface OneRungProps {
  detail: SweepDetail;
  rung: Rung;
  picked: Signal<number | null>;
}

function OneRung({ detail, rung: { rung, stands }, picked }: OneRungProps) {
  const open = useSignal(false);
  const compared = stands.filter(({ fate }) => fate !== "woken");
  const kept = compared.filter(({ fate }) => fate === "kept").length;
  const woken = stands.length - compared.length;
  const epochs = compared.map((stand) => stand.epochs);
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  return (
    <article class="rung">
      <h3>
        Rung {rung + 1}
        <span class="faint">
          {compared.length > 0 && ` · epoch ${first === last ? last : `${first}–${last}`}`}
          {` · ${compared.length} compared, ${kept} went on`}
          {woken > 0 && `, ${woken} woken`}
        </span>
      </h3>
      <Strip detail={detail} stands={compared} picked={picked} />
      <details open={open.value} onToggle={(event) => (open.value = event.currentTarget.open)}>
        <summary>Who and why</summary>
        {open.value && <Reasons detail={detail} stands={stands} />}
      </details>
    </article>
  );
}

/** Beyond so many times the spread of the better half an arm is drawn at the upper edge. */
const FAR = 4;

interface StripProps {
  detail: SweepDetail;
  stands: readonly Stand[];
  picked: Signal<number | null>;
}

/** The arms from the best to the worst, each as high as its objective. */
function Strip({ detail, stands, picked }: StripProps) {
  const metric = objectiveOf(detail);
  const turned = (value: number) => minimised(value, metric.direction);
  const values = stands.flatMap(({ value }) => (value == null ? [] : turned(value)));
  values.sort((a, b) => a - b);
  const [low, high] = [values[0], bound(values)];
  if (low === undefined || high === undefined) return null;
  // As high as the objective: the best is at the top where higher is better.
  const up = scaleOf([low, high], metric.direction === "max" ? [88, 12] : [12, 88]);
  const along = scaleOf([-0.5, stands.length - 0.5], [0, 100]);
  const cut = stands.findIndex(({ fate }) => fate === "pruned");
  const ends = metric.direction === "max" ? [low, high] : [high, low];
  const format = (value: number) => formatMetric(turned(value), metric);
  return (
    <div class="strip">
      <p class="strip-ends faint" aria-hidden="true">
        {high > low && <span>{format(ends[0] ?? high)}</span>}
        <span>{format(ends[1] ?? low)}</span>
      </p>
      <div class="strip-area">
        {cut > 0 && <i class="strip-cut" style={{ left: `${along.at(cut - 0.5)}%` }} />}
        {stands.map((stand, i) => (
          <Dot
            key={stand.arm}
            {...{ detail, stand, picked }}
            left={along.at(i)}
            bottom={up.at(Math.min(high, stand.value == null ? high : turned(stand.value)))}
          />
        ))}
      </div>
    </div>
  );
}

function bound(sorted: readonly number[]): number | undefined {
  const [low, middle] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || middle === undefined) return undefined;
  const far = middle + FAR * (middle - low);
  return Math.min(sorted.at(-1) ?? far, far > low ? far : Infinity);
}

interface DotProps {
  detail: SweepDetail;
  stand: Stand;
  picked: Signal<number | null>;
  /** Per cent of the strip. */
  left: number;
  bottom: number;
}

function Dot({ detail, stand: { arm, fate, reason }, picked, left, bottom }: DotProps) {
  const name = armName(detail, arm);
  return (
    <button
      type="button"
      class={`dot dot-${fate}`}
      style={{
        left: `${left}%`,
        bottom: `${bottom}%`,
        color: armColours(detail, ground.value)(arm),
      }}
      title={`${name}: ${reason}`}
      aria-label={`${name}, ${fate === "kept" ? "went on" : fate}`}
      aria-pressed={picked.value === arm}
      onClick={() => (picked.value = picked.value === arm ? null : arm)}
    >
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {fate === "kept" ? (
          <circle cx="6" cy="6" r="4.4" />
        ) : (
          <path d="M2.5 2.5 9.5 9.5M2.5 9.5 9.5 2.5" />
        )}
      </svg>
    </button>
  );
}

function Reasons({ detail, stands }: { detail: SweepDetail; stands: readonly Stand[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Decisions of the rung">
      <table class="reasons">
        <thead>
          <tr>
            <th scope="col">Arm</th>
            <th scope="col">Fate</th>
            <th scope="col" class="figure">
              {detail.metric}
            </th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {stands.map(({ arm, fate, value, reason }) => (
            <tr key={arm} class={fate === "pruned" ? "trial-pruned" : undefined}>
              <th scope="row" class="nowrap">
                {armName(detail, arm)}
              </th>
              <td>{fate === "kept" ? "went on" : fate}</td>
              <td class="figure">
                {value === null
                  ? "diverged"
                  : value === undefined
                    ? NONE
                    : formatMetric(value, objectiveOf(detail))}
              </td>
              <td class="faint">{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
