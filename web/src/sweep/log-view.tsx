/** The log: what happened and what the scheduler made of it, newest first. */

import { useSignal } from "@preact/signals";
import { formatClock } from "../format";
import type { LogLine } from "./state";

/** How many lines are shown unless all are asked for. */
const SHORT = 100;

export function LogView({ lines }: { lines: readonly LogLine[] }) {
  const all = useSignal(false);
  const shown = all.value ? lines : lines.slice(-SHORT);
  return (
    <section class="card log-card" aria-labelledby="log">
      <div class="card-head">
        <h2 id="log">Log</h2>
        {lines.length > SHORT && (
          <button type="button" class="quiet" onClick={() => (all.value = !all.value)}>
            {all.value ? `Newest ${SHORT}` : `All ${lines.length}`}
          </button>
        )}
      </div>
      <ol class="log scroll" tabIndex={0} aria-label="Log, newest first">
        {shown.toReversed().map((line, i) => (
          // Lines are only ever added, so the place from the start names one.
          <li key={lines.length - i} class={`tone-${line.tone}`}>
            <time dateTime={line.at}>{formatClock(line.at)}</time>
            <span class="kind">{line.kind}</span>
            <span class="words">
              {line.text}
              {line.reason && <span class="faint"> — {line.reason}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
