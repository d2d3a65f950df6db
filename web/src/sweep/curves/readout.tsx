import { useComputed, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Diagnostics, MetricInfo } from "../../api/types";
import { formatLoss, formatMetric, formatShare, NONE } from "../../format";
import { familiesIn, type Scope } from "../scope";
import { armName, epochOfStep, pointOf, type Point, type SweepState, valuesOf } from "../state";
import { endReasons } from "../why";
import type { Reading } from "./chart";
import { endedEarly } from "./style";
import { meanOf, type Shown } from "./series";

interface ReadoutProps {
  state: ReadonlySignal<SweepState | null>;
  scope: ReadonlySignal<Scope>;
  shown: ReadonlySignal<Shown>;
  picked: Signal<number | null>;
  reading: ReadonlySignal<Reading | null>;
}

/** The figures under the pointer, else those of the isolated arm's last epoch. */
export function Readout({ state, scope, picked, reading }: ReadoutProps) {
  const words = useComputed(() => {
    const now = state.value;
    const at = reading.value;
    const arm = at?.arm ?? picked.value;
    if (!now || arm == null) return null;
    return figuresOf(now, arm, at?.families ?? familiesIn(now.detail, scope.value), at?.epoch);
  });
  const at = words.value;
  return (
    <p class="readout" id="readout" aria-live="polite">
      {at ? (
        <>
          <strong>{at.name}</strong>
          <Figure name="epoch" value={String(at.epoch)} />
          <Figure name="train_loss" value={figure(at.train)} />
          {at.metrics.map(({ metric, value }) => (
            <Figure key={metric.name} name={metric.name} value={figure(value, metric)} />
          ))}
          {at.onset !== null && <Figure name="onset" value={`epoch ${at.onset}`} />}
          {at.diagnostics && (
            <>
              <span title="The norm of the gradient of the epoch's last mini-batch">
                gradient <b>{figure(pointOf(at.diagnostics.grad_norm))}</b>
              </span>
              <span title="The share of the epoch's steps that ascended, and how many steps did so far">
                ascending <b>{formatShare(at.diagnostics.ascending)}</b>,{" "}
                {at.diagnostics.flooded_steps} steps so far
              </span>
            </>
          )}
          {at.end && <span class="readout-end">{at.end}</span>}
        </>
      ) : (
        <span class="faint">
          Point at a curve to read it, click to isolate its arm; drag across to zoom, double click
          to go back.
        </span>
      )}
    </p>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <span>
      {name} <b>{value}</b>
    </span>
  );
}

interface Figures {
  name: string;
  epoch: number;
  train: Point;
  metrics: { metric: MetricInfo; value: Point }[];
  onset: number | null;
  diagnostics: Diagnostics | undefined;
  end: string;
}

/** What there is to say of an arm at an epoch; of several families their means. */
function figuresOf(
  now: SweepState,
  arm: number,
  families: readonly number[],
  epoch?: number,
): Figures | null {
  const all = families.flatMap((family) => now.trials[family]?.[arm] ?? []);
  const trials = all.filter(({ epochs }) => epochs > 0);
  if (trials.length === 0) return null;
  const last = Math.max(...trials.map(({ epochs }) => epochs));
  const at = Math.min(last, epoch ?? last);
  const mean = (points: (readonly Point[])[]) => meanOf(points.map((each) => [each[at - 1]]))[0];
  const onsets = trials.flatMap(({ onsetStep }) => onsetStep ?? []);
  const onset = onsets.reduce((sum, step) => sum + step, 0) / onsets.length;
  const [only] = trials;
  const several = trials.length > 1 ? `, mean of ${trials.length} seeds` : "";
  return {
    name: armName(now.detail, arm) + several,
    epoch: at,
    train: mean(trials.map(({ curve }) => curve.train)),
    metrics: now.detail.metrics.map((metric) => ({
      metric,
      value: mean(trials.map(({ curve }) => valuesOf(curve, metric.name))),
    })),
    onset: onsets.length > 0 ? epochOfStep(now.detail, onset) : null,
    diagnostics: trials.length === 1 ? only?.curve.diagnostics[at - 1] : undefined,
    end: trials.every(endedEarly) ? endReasons(trials) : "",
  };
}

function figure(value: Point, metric?: MetricInfo): string {
  if (value === null) return "diverged";
  if (value === undefined) return NONE;
  return metric ? formatMetric(value, metric) : formatLoss(value);
}
