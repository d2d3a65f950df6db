/** The answer, before all that leads to it; until there is one, how far the sweep is. */

import type { Best, SweepDetail } from "../../api/types";
import { formatLevel, sentence } from "../../format";
import { FindingChip, namesArm } from "../../finding";
import { Alert, Status } from "../../parts";
import { decaysOf, isFinal, type SweepState } from "../state";
import type { SweepStore } from "../store";
import { waitingOf } from "../told";
import { Actions } from "./actions";
import { AdviceButton } from "./advice";
import { phaseWords } from "./bar";
import { Figures } from "./figures";
import { Leaders } from "./leaders";
import { PasteLine } from "./paste";
import { ProgressBar } from "./progress";
import { TryAgain } from "./try-again";
import { WaitingFor } from "./waiting";
import { VerdictWords } from "./words";

export function Answer({ store }: { store: SweepStore }) {
  const state = store.calm.value;
  if (!state) return null;
  const { detail, status } = state;
  const [best, settled] = [store.best.value, store.settled.value];
  const final = isFinal(status);
  // One that had ended before it was looked at keeps no room once its answer is there.
  const isAwaited = !final || !isFinal(detail.status);
  const offline = !final && !store.connected.value;
  return (
    <section class="card answer" aria-label="Answer">
      <div class="answer-head">
        {settled?.best && namesArm(settled.finding) ? (
          <Headline
            arm={settled.best}
            finding={settled.finding}
            isBefore={settled.before_extension}
            detail={detail}
          />
        ) : (
          <Phase
            label={final ? "Outcome" : "Now"}
            words={phaseWords(state, store.told.value)}
            finding={final ? best?.finding : null}
          />
        )}
        <div class="answer-state">
          <span role="status">
            <Status of={status} />
            {offline && <span class="faint"> · reconnecting…</span>}
          </span>
          <Actions store={store} state={state} />
        </div>
      </div>
      <Refused store={store} />
      <div class="answer-words" data-awaited={isAwaited || undefined}>
        <Unreplayable detail={detail} />
        {final ? (
          <Ending store={store} state={state} best={settled ?? best} />
        ) : (
          <UnderWay store={store} state={state} />
        )}
      </div>
      <Figures
        best={settled}
        runs={best?.run_equivalents}
        pruned={final ? null : (store.told.value?.progress?.pruned ?? 0)}
        detail={detail}
      />
      {(!final || status === "completed" || settled) && (
        <div class="paste-place">
          {final && store.paste.value && <PasteLine of={store.paste.value} />}
        </div>
      )}
    </section>
  );
}

/** Why the last action came to nothing, where the reader asked for it. */
function Refused({ store }: { store: SweepStore }) {
  const words = store.refused.value;
  if (!words) return null;
  return (
    <div class="refused">
      <Alert>{sentence(words)}</Alert>
      <button type="button" class="quiet" onClick={() => store.dismiss()}>
        Dismiss
      </button>
    </div>
  );
}

/** That this server can't go on with it. */
function Unreplayable({ detail: { replay_error: error } }: { detail: SweepDetail }) {
  if (!error) return null;
  return (
    <Alert>
      Its log can't be replayed by this server: {error}; it can be cancelled and deleted.
    </Alert>
  );
}

/** How far it is, and why it goes no further, if it doesn't. */
function UnderWay({ store, state }: { store: SweepStore; state: SweepState }) {
  const told = store.told.value;
  const waiting = waitingOf(state, told);
  return (
    <>
      <ProgressBar bar={store.bar.value} progress={told?.progress} setback={state.setback} />
      {waiting ? <WaitingFor key={waiting.for} of={waiting} /> : <Leaders state={state} />}
    </>
  );
}

/** What came of it: the verdict, or why there is none, or only a part of one. */
function Ending({
  store,
  state,
  best,
}: {
  store: SweepStore;
  state: SweepState;
  best: Best | null;
}) {
  const { status, endReason, detail } = state;
  return (
    <>
      {status === "failed" && <Alert>The sweep failed: {endReason}</Alert>}
      {status === "failed" && <TryAgain key={store.id} detail={detail} />}
      {status === "cancelled" && <p class="verdict">{sentence(`cancelled: ${endReason}`)}</p>}
      {best && !(status === "failed" && !best.best) && <VerdictWords of={best} />}
      {best && (status === "completed" || best.before_extension) && (
        <AdviceButton store={store} best={best} />
      )}
    </>
  );
}

interface PhaseProps {
  label: string;
  words: string;
  finding: string | null | undefined;
}

/** What is done just now, where the answer will be; once it has ended without one, what that comes to. */
function Phase({ label, words, finding }: PhaseProps) {
  return (
    <div class="headline">
      <p class="label">{label}</p>
      <p class="best">
        <span class="faint">{words.charAt(0).toUpperCase() + words.slice(1)}</span>{" "}
        <FindingChip of={finding} />
      </p>
    </div>
  );
}

interface HeadlineProps {
  arm: NonNullable<Best["best"]>;
  finding: string;
  /** Whether it is the answer before an extension that came to nothing. */
  isBefore: boolean;
  detail: SweepDetail;
}

function Headline({ arm, finding, isBefore, detail }: HeadlineProps) {
  const decays = decaysOf(detail).length;
  return (
    <div class="headline">
      <p class="label">
        Best{arm.b == null ? "" : " level"}
        {isBefore ? " before the extension" : ""} by {detail.metric}
      </p>
      <p class="best" data-best={arm.b ?? arm.method}>
        {arm.b == null ? (
          arm.name
        ) : (
          <>
            {arm.method !== "flood" && `${arm.method} `}
            <var>b</var> = {formatLevel(arm.b)}
          </>
        )}
        {decays > 1 && <span class="with"> with weight decay {formatLevel(arm.weight_decay)}</span>}{" "}
        <FindingChip of={finding} />
      </p>
    </div>
  );
}
