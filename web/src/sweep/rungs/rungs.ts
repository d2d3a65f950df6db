/** The rungs: who stood where, who went on, and why. */

import type { Direction } from "../../api/types";
import { minimised, objectiveOf } from "../../metrics";
import { pointOf, type Choice, type Point, type SweepState } from "../state";

/** What a rung decided about an arm, over the seeds that it was compared with. */
export interface Stand {
  readonly arm: number;
  readonly fate: Choice["fate"];
  /** What was compared; undefined where the arm was not. */
  readonly value: Point;
  /** 1 is the best; undefined where nothing was compared. */
  readonly rank: number | undefined;
  /** Epochs that it had trained. */
  readonly epochs: number;
  readonly reason: string;
}

export interface Rung {
  /** From 0. */
  readonly rung: number;
  /** Which weight decay's arms were compared. */
  readonly decay: number;
  /** Best first: those that were compared, then those that were woken. */
  readonly stands: readonly Stand[];
}

/** The rungs of a weight decay, in the order in which they decided first. */
export function rungsOf({ detail, choices }: SweepState, decay: number): Rung[] {
  const { direction } = objectiveOf(detail);
  const rungs = new Map<number, Map<number, Choice[]>>();
  for (const choice of choices) {
    if (detail.families[choice.family]?.weight_decay !== decay) continue;
    const arms = rungs.get(choice.rung) ?? new Map<number, Choice[]>();
    rungs.set(choice.rung, arms);
    arms.set(choice.arm, [...(arms.get(choice.arm) ?? []), choice]);
  }
  return [...rungs].map(([rung, arms]) => ({
    rung,
    decay,
    stands: [...arms.values()].flatMap(standOf).toSorted(byPlace(direction)),
  }));
}

/** One arm's choices as one: of several seeds the worst, since an arm goes on with all or none. */
function standOf(choices: readonly Choice[]): Stand[] {
  const choice = choices.find(({ fate }) => fate === "pruned") ?? choices[0];
  if (!choice) return [];
  const { arm, fate, epochs, comparison, reason } = choice;
  // What was compared may be a mean over epochs and seeds that is in no curve.
  const compared = comparison ? pointOf(comparison.value) : choice.value;
  const value = fate === "woken" ? undefined : compared;
  return [{ arm, fate, value, rank: comparison?.rank, epochs, reason }];
}

const PLACE: Record<Choice["fate"], number> = { kept: 0, pruned: 0, woken: 1 };

function byPlace(direction: Direction | null): (a: Stand, b: Stand) => number {
  const value = (stand: Stand) =>
    stand.value == null ? Number.MAX_VALUE : minimised(stand.value, direction);
  return (a, b) =>
    PLACE[a.fate] - PLACE[b.fate] ||
    (a.rank ?? Number.MAX_VALUE) - (b.rank ?? Number.MAX_VALUE) ||
    value(a) - value(b) ||
    a.arm - b.arm;
}
