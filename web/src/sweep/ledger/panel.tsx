/** What the sweep has cost, beside the full grid. */

import type { ReadonlySignal } from "@preact/signals";
import type { Best, RunEquivalents } from "../../api/types";
import { formatDuration, formatRuns, formatShare } from "../../format";
import { isFinal, type SweepState } from "../state";
import type { Told } from "../told";
import { barEnd, decided, nothingOf, sharesOf, type Part } from "./shares";

interface LedgerProps {
  state: ReadonlySignal<SweepState | null>;
  best: ReadonlySignal<Best | null>;
  told: ReadonlySignal<Told | null>;
}

const WORDS: Record<Part, readonly [name: string, what: string]> = {
  trained: ["trained", "epochs that were computed"],
  shared: ["shared", "epochs of several levels, trained once"],
  pruned: ["pruned", "epochs skipped"],
  open: ["open", "yet to be trained or saved"],
};

export function Ledger({ state, best, told }: LedgerProps) {
  const now = state.value;
  if (!now) return null;
  const final = isFinal(now.status);
  const known = best.value?.run_equivalents ?? nothingOf(now.detail);
  // The server's figure has every level that lies dormant, though it may be trained yet.
  const runs = final ? known : decided(known, told.value?.progress?.pruned ?? 0);
  return (
    <section class="card ledger" aria-labelledby="ledger">
      <div class="card-head">
        <h2 id="ledger">Ledger</h2>
        <span class="faint">run-equivalents</span>
      </div>
      <p class="ledger-sum">
        <b>{formatRuns(runs.spent)}</b> of {formatRuns(runs.full_grid)}
        <span class="faint">{timesWords(runs, final)}</span>
      </p>
      <Bar of={runs} />
      <table class="ledger-table">
        <tbody>
          {sharesOf(runs, !final).map(({ part, runs, share }) => (
            <tr key={part}>
              <th scope="row">
                <i class={`swatch part-${part}`} />
                {WORDS[part][0]}
              </th>
              <td class="faint">{part === "open" && final ? "never trained" : WORDS[part][1]}</td>
              <td class="figure">{formatRuns(runs)}</td>
              <td class="figure faint">{formatShare(share)}</td>
            </tr>
          ))}
          <tr class="sum">
            <th scope="row">full grid</th>
            <td class="faint">every arm to the end, alone</td>
            <td class="figure">{formatRuns(runs.full_grid)}</td>
            <td class="figure faint">100 %</td>
          </tr>
          {runs.left_behind > 0 && (
            <tr>
              <th scope="row">
                <i class="swatch part-redone" />
                left behind
              </th>
              <td class="faint">trained on machines that are gone, and started over elsewhere</td>
              <td class="figure">{formatRuns(runs.left_behind)}</td>
              <td />
            </tr>
          )}
          {runs.redone > 0 && (
            <tr>
              <th scope="row">
                <i class="swatch part-redone" />
                redone
              </th>
              <td class="faint">trained again, beside what was spent</td>
              <td class="figure">{formatRuns(runs.redone)}</td>
              <td />
            </tr>
          )}
        </tbody>
      </table>
      <Time of={now} />
    </section>
  );
}

function Bar({ of }: { of: RunEquivalents }) {
  const end = barEnd(of);
  return (
    <div class="stack" aria-hidden="true">
      {sharesOf(of).map(({ part, runs }) => (
        <span key={part} class={`part-${part}`} style={{ width: `${(runs / end) * 100}%` }} />
      ))}
    </div>
  );
}

/** How much less than the full grid; while the sweep goes on nobody knows. */
function timesWords({ spent, full_grid: full }: RunEquivalents, final: boolean): string {
  if (!final || spent <= 0 || full / spent < 1.05) return "";
  return ` · ${formatRuns(full / spent)} times less`;
}

/** How long it took from the first claim to the newest entry. */
function Time({ of: { started, newest, status } }: { of: SweepState }) {
  if (!started) return <p class="faint ledger-time">No worker has begun it</p>;
  const took = Date.parse(newest) - Date.parse(started);
  return (
    <p class="faint ledger-time">
      {formatDuration(took)}{" "}
      {isFinal(status) ? "from first claim to answer" : "since the first claim"}
    </p>
  );
}
