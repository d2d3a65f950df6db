/** The curves with all that reads them: choices, legend, readout. */

import { useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { SweepDetail } from "../api/types";
import { formatLevel, formatLoss, formatMetric, NONE } from "../format";
import { ground } from "../theme";
import { Chart } from "./chart";
import { colourAt, levelScale, stops } from "./colour";
import { Downloads } from "./download";
import type { Reading } from "./plot";
import type { Shown } from "./series";
import { armName, type SweepState } from "./state";

interface EvidenceProps {
  state: ReadonlySignal<SweepState | null>;
  family: ReadonlySignal<number>;
  leader: ReadonlySignal<number | null>;
  picked: Signal<number | null>;
}

/** The section of curves. */
export function Evidence({ state, family, leader, picked }: EvidenceProps) {
  const detail = state.value?.detail;
  const shown = useSignal<Shown>({
    metric: detail?.metric === "val_error" ? "error" : "loss",
    train: true,
    validation: true,
    log: false,
  });
  const reading = useSignal<Reading | null>(null);
  if (!detail) return null;
  return (
    <section class="card" aria-labelledby="curves">
      <div class="card-head">
        <h2 id="curves">Curves</h2>
        <Choices shown={shown} />
      </div>
      <Readout state={state} family={family} picked={picked} reading={reading} />
      <Chart
        state={state}
        family={family}
        leader={leader}
        picked={picked}
        shown={shown}
        reading={reading}
      />
      <div class="below">
        <Legend detail={detail} shown={shown.value} />
        <Downloads detail={detail} />
      </div>
    </section>
  );
}

function Choices({ shown }: { shown: Signal<Shown> }) {
  const { metric, train, validation, log } = shown.value;
  const set = (change: Partial<Shown>) => {
    shown.value = { ...shown.value, ...change };
  };
  return (
    <div class="choices">
      <span class="segmented" role="group" aria-label="Metric">
        <Toggle on={metric === "loss"} set={() => set({ metric: "loss" })} words="loss" />
        <Toggle on={metric === "error"} set={() => set({ metric: "error" })} words="error" />
      </span>
      <span class="segmented" role="group" aria-label="Curves">
        <Toggle
          on={train && metric === "loss"}
          set={() => set({ train: !train })}
          words="training"
          disabled={metric === "error"}
        />
        <Toggle on={validation} set={() => set({ validation: !validation })} words="validation" />
      </span>
      <span class="segmented" role="group" aria-label="Scale">
        <Toggle on={log} set={() => set({ log: !log })} words="log" />
      </span>
    </div>
  );
}

interface ToggleProps {
  on: boolean;
  set: () => void;
  words: string;
  disabled?: boolean;
}

export function Toggle({ on, set, words, disabled = false }: ToggleProps) {
  return (
    <button type="button" aria-pressed={on} disabled={disabled} onClick={set}>
      {words}
    </button>
  );
}

interface ReadoutProps extends Omit<EvidenceProps, "leader"> {
  reading: ReadonlySignal<Reading | null>;
}

/** The figures under the pointer, else those of the picked arm's last epoch. */
function Readout({ state, family, picked, reading }: ReadoutProps) {
  const words = useComputed(() => {
    const now = state.value;
    const arm = reading.value?.arm ?? picked.value;
    const trial = arm == null ? undefined : now?.trials[family.value]?.[arm];
    if (!now || !trial || trial.epochs === 0) return null;
    const epoch = Math.min(trial.epochs, reading.value?.epoch ?? trial.epochs);
    const { train, loss, error } = trial.curve;
    return {
      name: armName(now.detail, trial.arm),
      epoch,
      train: figure(train[epoch - 1]),
      loss: figure(loss[epoch - 1]),
      error: figure(error[epoch - 1], true),
    };
  });
  const at = words.value;
  return (
    <p class="readout" id="readout" aria-live="polite">
      {at ? (
        <>
          <strong>{at.name}</strong>
          <span>
            epoch <b>{at.epoch}</b>
          </span>
          <span>
            train loss <b>{at.train}</b>
          </span>
          <span>
            val loss <b>{at.loss}</b>
          </span>
          <span>
            val error <b>{at.error}</b>
          </span>
        </>
      ) : (
        <span class="faint">
          Point at a curve to read it; drag across to zoom, double click to go back.
        </span>
      )}
    </p>
  );
}

function figure(value: number | null | undefined, share = false): string {
  if (value === null) return "diverged";
  if (value === undefined) return NONE;
  return share ? formatMetric(value, "val_error") : formatLoss(value);
}

/** What colours and strokes mean. */
function Legend({ detail, shown }: { detail: SweepDetail; shown: Shown }) {
  const levels = detail.arms_list.flatMap(({ b }) => (b == null ? [] : [b]));
  const scale = levelScale(levels);
  const on = ground.value;
  const several = scale.high > scale.low;
  const middle = scale.log ? Math.sqrt(scale.low * scale.high) : (scale.low + scale.high) / 2;
  return (
    <div class="legend">
      <span class="scale">
        <var>b</var>
        <span class="figures">{formatLevel(scale.low)}</span>
        <span
          class="scale-bar"
          aria-hidden="true"
          style={{
            background: several
              ? `linear-gradient(to right, ${stops(on).join(", ")})`
              : colourAt(0.5, on),
          }}
        />
        {several && <span class="figures">{formatLevel(scale.high)}</span>}
        {scale.log && <span class="faint">log, {formatLevel(middle)} in the middle</span>}
      </span>
      <span>
        <i class="stroke stroke-plain" /> plain
      </span>
      {shown.metric === "loss" && (
        <>
          <span>
            <i class="stroke stroke-dashed" /> training
          </span>
          <span>
            <i class="stroke" /> validation
          </span>
        </>
      )}
      <span>
        <i class="stroke stroke-faded" /> ended early
      </span>
      <span>
        <i class="stroke stroke-rung" /> rung
      </span>
    </div>
  );
}
