/** How arms stand before they are trained to the end: all after as many epochs. */

import type { Metric } from "../../api/types";
import { formatEpochs } from "../../format";
import { epochOfStep, valuesOf, type SweepState, type Trial } from "../state";
import { trialKey } from "./rows";

export interface Preliminary {
  /** After how many epochs they are compared. */
  readonly epochs: number;
  /** Whether these count from each arm's onset on; else from the start. */
  readonly sinceOnset: boolean;
  /** By `family.arm`. */
  readonly values: ReadonlyMap<string, Metric>;
}

const NOTHING: Preliminary = { epochs: 0, sinceOnset: false, values: new Map() };

/**
 * The metric of each arm after as many epochs as all have that are still in it. Probes count from
 * their onset on: at equal epochs those past it look worse than those before it.
 */
export function preliminaryOf(state: SweepState, families: readonly number[]): Preliminary {
  const { detail } = state;
  const sinceOnset = detail.stages.some(({ counts }) => counts.of === "probes");
  const startOf = (trial: Trial) => (sinceOnset ? onsetOf(state, trial) : 0);
  const extents = detail.arms_list.map(({ arm }) => {
    const trials = families.flatMap((family) => state.trials[family]?.[arm] ?? []);
    return { trials, extent: extentOf(trials, startOf) };
  });
  const goesOn = ({ trials }: { trials: readonly Trial[] }) =>
    trials.every(({ status }) => status === "active" || status === "completed");
  const begun = extents.filter(({ extent }) => extent > 0);
  // What all have that go on; but one alone stands beside nobody.
  const second = begun.map(({ extent }) => extent).toSorted((a, b) => b - a)[1] ?? 0;
  const least = Math.min(second, ...begun.filter(goesOn).map(({ extent }) => extent));
  if (least === 0) return { ...NOTHING, sinceOnset };
  const values = new Map<string, Metric>();
  for (const { trials } of begun.filter(({ extent }) => extent >= least)) {
    for (const trial of trials) {
      const at = (startOf(trial) ?? 0) + least - 1;
      const value = valuesOf(trial.curve, detail.metric)[at];
      if (value !== undefined) values.set(trialKey(trial.family, trial.arm), value ?? "diverged");
    }
  }
  return { epochs: least, sinceOnset, values };
}

/** Epochs before the one of a trial's onset; null while it has none. Plain has none ever. */
function onsetOf({ detail }: SweepState, { arm, onsetStep }: Trial): number | null {
  return arm === 0 || onsetStep === null ? null : epochOfStep(detail, onsetStep) - 1;
}

/** How many epochs all seeds of an arm have that count. */
function extentOf(trials: readonly Trial[], startOf: (trial: Trial) => number | null): number {
  const extents = trials.map((trial) => {
    const start = startOf(trial);
    return start === null ? 0 : Math.max(0, trial.epochs - start);
  });
  return extents.length > 0 ? Math.min(...extents) : 0;
}

/** `Preliminary: val_loss after 7 epochs from each onset on.` */
export function preliminaryWords({ epochs, sinceOnset }: Preliminary, metric: string): string {
  if (epochs === 0) return "Preliminary: there are no two arms to compare yet.";
  return `Preliminary: ${metric} after ${formatEpochs(epochs)}${sinceOnset ? " from each onset on" : ""}.`;
}
