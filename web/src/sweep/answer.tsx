/** The answer, before all that leads to it. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Best, SweepDetail, SweepStatus } from "../api/types";
import { Delete } from "../delete";
import {
  formatDifference,
  formatLevel,
  formatMetric,
  formatRuns,
  formatShare,
  metricWords,
} from "../format";
import { Alert, Cost, Status } from "../parts";
import { decaysOf, isFinal, isPlain, type SweepState } from "./state";

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
        <Headline best={best} status={status} detail={detail} />
        <div class="answer-state">
          <span role="status">
            <Status of={status} />
            {offline && <span class="faint"> · reconnecting…</span>}
          </span>
          {final ? (
            <Delete sweep={detail} onDeleted={() => (window.location.hash = "#/")} />
          ) : (
            <Cancel onCancel={onCancel} />
          )}
        </div>
      </div>
      <Ending state={state} />
      {best && !(status === "failed" && !best.best) && <p class="verdict">{best.verdict}</p>}
      {status === "queued" && <NoWorker />}
      {best && <Figures best={best} />}
      {!final && <Progress state={state} />}
    </section>
  );
}

/** Why there will be no answer, or only a part of one. */
function Ending({ state: { status, endReason } }: { state: SweepState }) {
  if (status === "failed") return <Alert>The sweep failed: {endReason}</Alert>;
  if (status === "cancelled") return <p class="verdict">Cancelled: {endReason}.</p>;
  return null;
}

/** Workers that are free are not as long as this in coming, in milliseconds. */
const PATIENCE_MS = 2_000;

/** What to do about a sweep that nobody trains, once it has waited. */
function NoWorker() {
  const waited = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => (waited.value = true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waited]);
  if (!waited.value) return null;
  return (
    <div class="waiting">
      <p>
        Waiting for a worker: either all are busy with other sweeps, or there is none. This starts
        one, here or on another machine:
      </p>
      <pre tabIndex={0}>floodgauge worker --server {new URL(".", document.baseURI).href}</pre>
    </div>
  );
}

interface HeadlineProps {
  best: Best | null;
  status: SweepStatus;
  detail: SweepDetail;
}

function Headline({ best, status, detail }: HeadlineProps) {
  const arm = best?.best;
  const decays = decaysOf(detail).length;
  return (
    <div class="headline">
      <p class="label">
        Best{isPlain(arm) ? "" : " level"}
        {status === "completed" || (isFinal(status) && !arm) ? "" : " so far"} by{" "}
        {metricWords(detail.metric)}
      </p>
      <p class="best" data-best={arm ? (arm.b ?? arm.method) : undefined}>
        {!arm ? (
          <span class="faint">{isFinal(status) ? "no answer" : "nothing reported yet"}</span>
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

const NO_RIVAL = { baseline: null, difference: null };

function Figures({ best }: { best: Best }) {
  const { metric, run_equivalents: runs } = best;
  const arm = best.best;
  // Plain beside itself, and its difference to itself, would read as figures of flooding.
  const { baseline, difference } = isPlain(arm) ? NO_RIVAL : best;
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
          runs.saved_by_pruning > 0 ? `${formatRuns(runs.saved_by_pruning)} saved by pruning` : "",
          runs.saved_by_sharing > 0 ? `${formatRuns(runs.saved_by_sharing)} saved by sharing` : "",
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
  const live = trials.filter(({ status }) => status === "active");
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
