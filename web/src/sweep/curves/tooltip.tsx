import type { ReadonlySignal } from "@preact/signals";
import { formatLoss, formatMetric } from "../../format";
import { GRADIENT, type ChartMetric } from "./metrics";
import type { Kind } from "./series";

/** What stands beside the pointer. */
export interface Tip {
  readonly name: string;
  readonly colour: string;
  readonly epoch: number;
  readonly figures: readonly { readonly kind: Kind; readonly value: number }[];
  readonly metric: ChartMetric;
  /** What a mark means; empty where none is pointed at. */
  readonly words: string;
  /** Pixels within the chart. */
  readonly left: number;
  readonly top: number;
  /** The width of the chart. */
  readonly width: number;
}

/** What a figure is of. */
function nameOf(kind: Kind, metric: ChartMetric): string {
  if (kind === "train") return "train_loss";
  return metric.name === GRADIENT.name ? "gradient" : metric.name;
}

/** The arm under the pointer and its figures; the readout tells the same to screen readers. */
export function Tooltip({ tip }: { tip: ReadonlySignal<Tip | null> }) {
  const at = tip.value;
  if (!at) return null;
  return (
    <div
      class="tip"
      aria-hidden="true"
      style={{ left: `${at.left}px`, top: `${at.top}px` }}
      data-near={at.left < 180 ? "left" : at.width - at.left < 180 ? "right" : undefined}
      data-low={at.top < 90 || undefined}
    >
      <div class="tip-box">
        <p>
          <i class="swatch" style={{ background: at.colour }} />
          <strong>{at.name}</strong> <span class="faint">epoch {at.epoch}</span>
        </p>
        {at.figures.length > 0 && (
          <p class="tip-figures">
            {at.figures.toReversed().map(({ kind, value }) => (
              <span key={kind}>
                {nameOf(kind, at.metric)}{" "}
                <b>{kind === "train" ? formatLoss(value) : formatMetric(value, at.metric)}</b>
              </span>
            ))}
          </p>
        )}
        {at.words && <p class="tip-words">{at.words}</p>}
      </div>
    </div>
  );
}
