import type { Signal } from "@preact/signals";
import type { SweepDetail } from "../../api/types";
import { Toggle } from "../../parts";
import type { Scope } from "../scope";
import { chartMetrics, GRADIENT } from "./metrics";
import type { Shown } from "./series";

interface ChoicesProps {
  detail: SweepDetail;
  shown: Signal<Shown>;
  seeds: Signal<Scope["seeds"]>;
}

/** What is drawn, and how. */
export function Choices({ detail, shown, seeds }: ChoicesProps) {
  const { metric, train, validation, log, smooth } = shown.value;
  const set = (change: Partial<Shown>) => {
    shown.value = { ...shown.value, ...change };
  };
  const widest = widestWindow(detail.epochs);
  return (
    <div class="choices">
      <Seeds detail={detail} chosen={seeds} />
      <span class="segmented" role="group" aria-label="Metric">
        {chartMetrics(detail).map((each) => (
          <Toggle
            key={each.name}
            on={metric.name === each.name}
            set={() => set({ metric: each })}
            words={each.name === GRADIENT.name ? "gradient" : each.name}
          />
        ))}
      </span>
      <span class="segmented" role="group" aria-label="Curves">
        <Toggle
          on={train && metric.isLoss}
          set={() => set({ train: !train })}
          words="training"
          disabled={!metric.isLoss || !metric.isCompared}
        />
        <Toggle
          on={validation && metric.isCompared}
          set={() => set({ validation: !validation })}
          words="validation"
          disabled={!metric.isCompared}
        />
      </span>
      <span class="segmented" role="group" aria-label="Scale">
        <Toggle on={log} set={() => set({ log: !log })} words="log" />
      </span>
      {widest > 1 && (
        <label class="slider" title="A centred moving mean: minima and onsets stay where they are">
          <span>smooth</span>
          <input
            type="range"
            min={1}
            max={widest}
            step={2}
            value={smooth}
            aria-valuetext={smoothWords(smooth)}
            onInput={(event) => set({ smooth: Number(event.currentTarget.value) })}
          />
          <span class="slider-value">{smooth === 1 ? "off" : smooth}</span>
        </label>
      )}
    </div>
  );
}

/** At most a fifth of all epochs, odd. */
export function widestWindow(epochs: number): number {
  return 2 * Math.floor(Math.min(epochs / 5, 101) / 2) + 1;
}

function smoothWords(window: number): string {
  return window === 1 ? "off" : `over ${window} epochs`;
}

/** Several seeds as one curve with its range, each by itself, or one alone. */
function Seeds({ detail, chosen }: { detail: SweepDetail; chosen: Signal<Scope["seeds"]> }) {
  const seeds = [...new Set(detail.families.map(({ seed }) => seed))];
  if (seeds.length < 2) return null;
  const choose = (value: string) => {
    chosen.value = value === "mean" || value === "each" ? value : Number(value);
  };
  return (
    <select
      class="small"
      aria-label="Seeds"
      value={String(chosen.value)}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      <option value="mean">{seeds.length} seeds: mean and range</option>
      <option value="each">{seeds.length} seeds, each</option>
      {seeds.map((seed) => (
        <option key={seed} value={String(seed)}>
          seed {seed} alone
        </option>
      ))}
    </select>
  );
}
