/** Why trials stand as they do: told in the scheduler's words, compared by its data alone. */

import type { Reason } from "../api/types";
import type { SweepState, Trial } from "./state";

/** What reasons say of one seed alone, where all were decided on together. */
const OF_ONE_SEED: ReadonlySet<string> = new Set([
  "seed",
  "from_epoch",
  "to_epoch",
  "epochs",
  "onset",
  "exposure",
]);

/** The reasons of an arm's seeds, once for those that were decided on alike. */
export function reasonsOf(trials: readonly Trial[]): string {
  const words = (trial: Trial) => (trial.status === "pruned" ? endReason(trial) : trial.reason);
  return joinAlike(trials, words, ({ family, why }) => (why ? likeness(why) : String(family)));
}

/** How and why trials ended, once for those that ended alike. */
export function endReasons(trials: readonly Trial[]): string {
  return joinAlike(trials, endReason, (trial) => {
    const { status, epochs, why } = trial;
    return JSON.stringify([status, namesFate(why) ? null : epochs, why && likeness(why)]);
  });
}

/** How and why a trial ended; the reasons of comparisons say how by themselves. */
export function endReason({ status, epochs, reason, why }: Trial): string {
  if (namesFate(why)) return reason;
  return [`${status} after epoch ${epochs}`, reason].filter(Boolean).join(": ");
}

/** The first of these trials, where one reason stands for all of them. */
export function sharing(trials: readonly Trial[]): Trial | undefined {
  const [first, ...others] = trials;
  const same = others.length > 0 && others.every(({ why }) => isSame(why, first?.why));
  return same ? first : undefined;
}

/** Whether why the sweep ended says why a trial did, too. */
export function isReasonOfEnd({ endWhy }: Pick<SweepState, "endWhy">, { why }: Trial): boolean {
  return endWhy?.kind === "no_answer" ? endWhy.first != null : isSame(endWhy, why);
}

/** Trials of one likeness in the words of the first, and how many others there are. */
function joinAlike(
  trials: readonly Trial[],
  words: (trial: Trial) => string,
  likenessOf: (trial: Trial) => string,
): string {
  const alike = new Map<string, Trial[]>();
  for (const trial of trials) {
    if (words(trial) === "") continue;
    const likeness = likenessOf(trial);
    alike.set(likeness, [...(alike.get(likeness) ?? []), trial]);
  }
  const told = [...alike.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const differing = others.filter(({ why }) => !isSame(why, first.why)).length;
    if (differing === 0) return [words(first)];
    return [`${words(first)} (${differing} other seed${differing === 1 ? "" : "s"} alike)`];
  });
  return told.join("; ");
}

function likeness(why: Reason): string {
  return JSON.stringify(why, (field, value: unknown) =>
    OF_ONE_SEED.has(field) ? undefined : value,
  );
}

function isSame(a: Reason | undefined, b: Reason | undefined): boolean {
  return a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** Whether a reason says what became of the trial, and not only why. */
function namesFate(why: Reason | undefined): boolean {
  if (!why) return false;
  return "fate" in why || why.kind === "overtaken" || why.kind === "nothing_to_compare";
}
