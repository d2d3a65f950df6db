/** The answer, before all that leads to it. */

import { useSignal } from "@preact/signals";
import type { Best, SweepDetail } from "../api/types";
import {
  formatDifference,
  formatLevel,
  formatMetric,
  formatRuns,
  formatShare,
  metricWords,
} from "../format";
import { Cost, Status } from "../parts";
import { isFinal, type SweepState } from "./state";

interface AnswerProps {
  state: SweepState;
  best: Best | null;
  connected: boolean;
  onCancel: () => Promise<void>;
}

export function Answer({ state, best, connected, onCancel }: AnswerProps) {
  const { detail, status } = state;
  const final = isFinal(status);
  const offline = !final && !connected;
  return (
    <section class="card answer" aria-label="Answer">
      <div class="answer-head">
        <Headline best={best} final={status === "completed"} detail={detail} />
        <div class="answer-state">
          <span role="status">
            <Status of={status} />
            {offline && <span class="faint"> · reconnecting…</span>}
          </span>
          {!final && <Cancel onCancel={onCancel} />}
        </div>
      </div>
      {best && <p class="verdict">{best.verdict}</p>}
      {(status === "failed" || status === "cancelled") && state.endReason && (
        <p class="verdict">{state.endReason}</p>
      )}
      {best && <Figures best={best} />}
      {!final && <Progress state={state} />}
    </section>
  );
}

function Headline({
  best,
  final,
  detail,
}: {
  best: Best | null;
  final: boolean;
  detail: SweepDetail;
}) {
  const arm = best?.best;
  const decays = new Set(detail.families.map((family) => family.weight_decay)).size;
  return (
    <div class="headline">
      <p class="label">
        {final ? "Best level" : "Best level so far"} by {metricWords(detail.metric)}
      </p>
      <p class="best" data-best={arm ? (arm.b ?? arm.method) : undefined}>
        {!arm ? (
          <span class="faint">nothing reported yet</span>
        ) : arm.b == null ? (
          arm.arm
        ) : (
          <>
            {arm.method !== "flood" && `${arm.method} `}
            <var>b</var> = {formatLevel(arm.b)}
          </>
        )}
        {arm && decays > 1 && (
          <span class="with"> with weight decay {formatLevel(arm.weight_decay)}</span>
        )}
      </p>
    </div>
  );
}

function Figures({ best }: { best: Best }) {
  const { metric, difference, baseline, run_equivalents: runs } = best;
  const arm = best.best;
  const when = best.at === "best" ? "best epoch" : "closing tenth";
  return (
    <dl class="facts">
      {arm && (
        <Fact name={`Objective, ${when}`} value={formatMetric(arm.objective, metric)}>
          {baseline && <>plain {formatMetric(baseline.objective, metric)}</>}
        </Fact>
      )}
      {difference && (
        <Fact name="Difference to plain" value={formatDifference(difference.mean, metric)}>
          {difference.low != null && difference.high != null ? (
            <>
              {formatShare(difference.level)} interval {formatDifference(difference.low, metric)} to{" "}
              {formatDifference(difference.high, metric)}, {difference.seeds} seeds
            </>
          ) : (
            "one seed: no interval"
          )}
        </Fact>
      )}
      {arm?.probability != null && (
        <Fact name="Probability of best" value={formatShare(arm.probability)}>
          over resampled seeds
        </Fact>
      )}
      {arm?.test && (
        <Fact name="Test loss" value={formatMetric(arm.test.loss, "val_loss")}>
          {baseline?.test && <>plain {formatMetric(baseline.test.loss, "val_loss")}</>}
        </Fact>
      )}
      {arm?.test && (
        <Fact name="Test error" value={formatMetric(arm.test.error, "val_error")}>
          {baseline?.test && <>plain {formatMetric(baseline.test.error, "val_error")}</>}
        </Fact>
      )}
      <Fact name="Run-equivalents of full grid" value={<Cost of={runs} wide />}>
        {[
          `${formatRuns(runs.saved_by_pruning)} saved by pruning`,
          runs.saved_by_sharing > 0 ? `${formatRuns(runs.saved_by_sharing)} by sharing` : "",
          runs.redone > 0 ? `${formatRuns(runs.redone)} redone` : "",
        ]
          .filter(Boolean)
          .join(", ")}
      </Fact>
    </dl>
  );
}

interface FactProps {
  name: string;
  value: preact.ComponentChildren;
  children?: preact.ComponentChildren;
}

function Fact({ name, value, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="value">{value}</span>
        <span class="beside">{children}</span>
      </dd>
    </div>
  );
}

/** How far the live arms have come. */
function Progress({ state }: { state: SweepState }) {
  const trials = state.trials.flat();
  const live = trials.filter(({ status }) => status === "active" || status === "dormant");
  const epoch = trials.reduce((most, trial) => Math.max(most, trial.epochs), 0);
  const { epochs } = state.detail;
  return (
    <p class="progress">
      <span>
        {live.length} of {trials.length} trials live
      </span>
      <progress aria-label="Epochs" max={epochs} value={epoch} />
      <span>
        epoch {epoch} of {epochs}
      </span>
    </p>
  );
}

function Cancel({ onCancel }: { onCancel: () => Promise<void> }) {
  const asking = useSignal(false);
  const sending = useSignal(false);
  async function send() {
    sending.value = true;
    await onCancel();
    sending.value = false;
    asking.value = false;
  }
  if (!asking.value) {
    return (
      <button type="button" onClick={() => (asking.value = true)}>
        Cancel sweep
      </button>
    );
  }
  return (
    <span class="confirm" role="group" aria-label="Cancel the sweep?">
      End it now?
      <button type="button" class="danger" disabled={sending.value} onClick={() => void send()}>
        Cancel sweep
      </button>
      <button type="button" onClick={() => (asking.value = false)}>
        Keep going
      </button>
    </span>
  );
}
