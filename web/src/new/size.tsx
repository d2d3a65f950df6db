import type { Levels } from "../api/types";
import { spell } from "./form";
import type { Form } from "./ranges";

/** How large the sweep is that the form spells. */
export function Size({ form }: { form: Form }) {
  const words = sizeWords(form);
  return words ? <p class="hint">{words}</p> : null;
}

/** `20 levels and plain × 1 seed: the full grid takes 21 runs of 100 epochs`. */
export function sizeWords(form: Form): string {
  const spelled = spell(form);
  if ("errors" in spelled) return "";
  const { search, recipe } = spelled.spec;
  const levels = countLevels(search?.levels ?? []);
  const seeds = search?.seeds?.length ?? 1;
  const decays = search?.weight_decay?.length ?? 1;
  if (!Number.isSafeInteger(levels) || levels < 1) return "";
  const factors = [
    `${plural(levels, "level")} and plain`,
    plural(seeds, "seed"),
    ...(decays > 1 ? [plural(decays, "weight decay")] : []),
  ].join(" × ");
  const runs = (levels + 1) * seeds * decays;
  return `${factors}: the full grid takes ${runs} runs of ${plural(recipe.epochs ?? 0, "epoch")}.`;
}

function countLevels(levels: Levels): number {
  if (Array.isArray(levels)) return new Set(levels).size;
  if ("count" in levels) return levels.count;
  // The same forgiveness for the rounding of `to - from` as the server's.
  return Math.floor((levels.to - levels.from) / levels.step + 5e-4) + 1;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
