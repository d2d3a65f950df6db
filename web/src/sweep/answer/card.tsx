/** The answer, before all that leads to it. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Best, SweepDetail, SweepStatus } from "../../api/types";
import { formatLevel } from "../../format";
import { Alert, Status } from "../../parts";
import { decaysOf, isFinal, type SweepState } from "../state";
import type { SweepStore } from "../store";
import { haltedWords } from "../summary";
import { Actions } from "./actions";
import { AdviceButton } from "./advice";
import { Figures } from "./figures";
import { TryAgain } from "./try-again";

export function Answer({ store }: { store: SweepStore }) {
  const state = store.calm.value;
  const best = store.best.value;
  if (!state) return null;
  const { detail, status } = state;
  const final = isFinal(status);
  const offline = !final && !store.connected.value;
  return (
    <section class="card answer" aria-label="Answer">
      <div class="answer-head">
        <Headline best={best} status={status} detail={detail} />
        <div class="answer-state">
          <span role="status">
            <Status of={status} />
            {offline && <span class="faint"> · reconnecting…</span>}
          </span>
          <Actions store={store} state={state} />
        </div>
      </div>
      <Halted state={state} />
      <Ending store={store} state={state} />
      {best && !(status === "failed" && !best.best) && <p class="verdict">{best.verdict}</p>}
      {best && status === "completed" && <AdviceButton store={store} best={best} />}
      {status === "queued" && <NoWorker />}
      {best && <Figures best={best} detail={detail} />}
      {!final && <Progress state={state} />}
    </section>
  );
}

/** Why the sweep doesn't go on. */
function Halted({ state }: { state: SweepState }) {
  const words = haltedWords(state);
  return words ? <Alert>{words}</Alert> : null;
}

/** Why there will be no answer, or only a part of one. */
function Ending({ store, state }: { store: SweepStore; state: SweepState }) {
  const { status, endReason, detail } = state;
  if (status === "cancelled") return <p class="verdict">Cancelled: {endReason}.</p>;
  if (status !== "failed") return null;
  return (
    <>
      <Alert>The sweep failed: {endReason}</Alert>
      <TryAgain key={store.id} detail={detail} />
    </>
  );
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
  const settled = status === "completed" || (isFinal(status) && !arm);
  return (
    <div class="headline">
      <p class="label">
        Best{arm && arm.b == null ? "" : " level"}
        {settled ? "" : " so far"} by {detail.metric}
      </p>
      <p class="best" data-best={arm ? (arm.b ?? arm.method) : undefined}>
        {!arm ? (
          <span class="faint">{isFinal(status) ? "no answer" : "nothing reported yet"}</span>
        ) : arm.b == null ? (
          arm.name
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
