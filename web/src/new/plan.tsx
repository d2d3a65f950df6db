import type { SweepPlan } from "../api/types";
import { formatDuration, formatEpochs, formatRuns } from "../format";
import type { Planner } from "./planner";

/** What the sweep would cost, beside the button that submits it. */
export function PlanView({ planner }: { planner: Planner }) {
  const plan = planner.plan.value;
  if (planner.error.value) return <p class="hint">No plan: {planner.error.value}</p>;
  return (
    <div class="plan" role="status" aria-live="polite">
      {plan && <Warnings of={plan.warnings} />}
      {plan && <PlanCost plan={plan} />}
    </div>
  );
}

/** What is likely to go wrong: it comes before what is paid for it. */
function Warnings({ of }: { of: readonly string[] }) {
  if (of.length === 0) return null;
  return (
    <ul class="warnings" aria-label="Warnings">
      {of.map((words) => (
        <li key={words}>{words}</li>
      ))}
    </ul>
  );
}

function PlanCost({ plan }: { plan: SweepPlan }) {
  const { low, high, full_grid, phases } = plan.run_equivalents;
  return (
    <>
      <p>
        <strong class="figures">{between(formatRuns(low), formatRuns(high))}</strong>{" "}
        run-equivalents; the full grid takes {formatRuns(full_grid)}.{" "}
        {plan.time ? (
          <>
            <strong class="figures">
              {between(
                formatDuration(plan.time.low_s * 1_000),
                formatDuration(plan.time.high_s * 1_000),
              )}
            </strong>{" "}
            on one worker.
          </>
        ) : (
          <span class="faint">No timing yet for this recipe.</span>
        )}
      </p>
      <details>
        <summary>What is trained</summary>
        <ol class="phases">
          {phases.map(({ words, epochs, arms, families }, i) => (
            <li key={i}>
              {words}{" "}
              <span class="faint">
                up to {formatEpochs(epochs)}; at most {arms} {arms === 1 ? "arm" : "arms"} beside
                plain, {families} {families === 1 ? "family" : "families"}
              </span>
            </li>
          ))}
        </ol>
      </details>
    </>
  );
}

function between(low: string, high: string): string {
  return low === high ? low : `${low} to ${high}`;
}
