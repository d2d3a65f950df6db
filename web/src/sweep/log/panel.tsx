/** The log: what happened and what the scheduler made of it, newest first. */

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SweepDetail } from "../../api/types";
import { formatClock } from "../../format";
import { armName, armsByLevel, type LogLine, type SweepState } from "../state";

/** How many lines are shown unless all are asked for. */
const SHORT = 100;

interface LogProps {
  state: ReadonlySignal<SweepState | null>;
  /** The arm that the reader has isolated; the log is about it. */
  picked: Signal<number | null>;
}

export function Log({ state, picked }: LogProps) {
  const all = useSignal(false);
  const list = useRef<HTMLOListElement>(null);
  const now = state.value;
  const arm = picked.value;
  const lines = now ? linesOf(now.log, arm) : [];
  const shown = all.value ? lines : lines.slice(-SHORT);
  useSteady(list, lines.length);
  if (!now) return null;
  return (
    <section class="card log-card" aria-labelledby="log">
      <div class="card-head">
        <h2 id="log">Log</h2>
        <span class="log-choices">
          {lines.length > SHORT && (
            <button type="button" class="quiet" onClick={() => (all.value = !all.value)}>
              {all.value ? `newest ${SHORT}` : `all ${lines.length}`}
            </button>
          )}
          <ArmChoice detail={now.detail} picked={picked} />
        </span>
      </div>
      <ol ref={list} class="log scroll" tabIndex={0} aria-label="Log, newest first">
        {shown.toReversed().map((line, i) => (
          // Lines are only ever added, so the place from the start names one.
          <Line key={lines.length - i} line={line} />
        ))}
      </ol>
      {lines.length === 0 && <p class="faint">Nothing yet.</p>}
    </section>
  );
}

/**
 * Has new lines come in from above, as by scrolling: what is read stays where it is for a moment, and who
 * has scrolled down to read isn't moved at all.
 */
function useSteady(list: { current: HTMLOListElement | null }, count: number) {
  const height = useRef(0);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return undefined;
    // What was there from the start came from nowhere.
    const grown = height.current > 0 ? element.scrollHeight - height.current : 0;
    height.current = element.scrollHeight;
    // Where the reader has scrolled to, the browser itself keeps what is in sight.
    if (grown <= 0 || element.scrollTop > 0) return undefined;
    element.scrollTop = grown;
    const next = requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        element.scrollTop = 0;
      }),
    );
    return () => cancelAnimationFrame(next);
  }, [list, count]);
}

/** The lines about an arm, those about the sweep included; all where none is asked for. */
export function linesOf(log: readonly LogLine[], arm: number | null): readonly LogLine[] {
  if (arm === null) return log;
  return log.filter(({ arms }) => arms.length === 0 || arms.includes(arm));
}

function Line({ line }: { line: LogLine }) {
  return (
    <li class={`tone-${line.tone}`}>
      <time dateTime={line.at}>{formatClock(line.at)}</time>
      <span class="kind">{line.kind}</span>
      <span class="words">
        {line.text}
        {line.reason && <span class="faint"> — {line.reason}</span>}
      </span>
    </li>
  );
}

function ArmChoice({ detail, picked }: { detail: SweepDetail; picked: Signal<number | null> }) {
  return (
    <select
      class="small"
      aria-label="Arm"
      value={picked.value === null ? "" : String(picked.value)}
      onChange={({ currentTarget: { value } }) => {
        picked.value = value === "" ? null : Number(value);
      }}
    >
      <option value="">all arms</option>
      {armsByLevel(detail).map((arm) => (
        <option key={arm} value={String(arm)}>
          {armName(detail, arm)}
        </option>
      ))}
    </select>
  );
}
