/** The log: what happened and what the scheduler made of it, newest first. */

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
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
  const now = state.value;
  if (!now) return null;
  const arm = picked.value;
  const lines = linesOf(now.log, arm);
  const shown = all.value ? lines : lines.slice(-SHORT);
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
      <ol class="log scroll" tabIndex={0} aria-label="Log, newest first">
        {shown.toReversed().map((line, i) => (
          // Lines are only ever added, so the place from the start names one.
          <Line key={lines.length - i} line={line} />
        ))}
      </ol>
      {lines.length === 0 && <p class="faint">Nothing yet.</p>}
    </section>
  );
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
