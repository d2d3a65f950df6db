/** What a completed sweep may be extended by: as people write it, and as the verdict advises it. */

import { problemWords, type Extension } from "../../api/client";
import type { Advice, Problem } from "../../api/types";
import { formatEpochs, formatLevel } from "../../format";
import { againHref } from "../../router";

/** The fields of the form as they are written. */
export interface ExtendFields {
  readonly seeds: string;
  readonly levels: string;
  readonly epochs: string;
}

/** What is wrong with an extension: with a field, or with all of it. */
export type Faults = { [at in keyof ExtendFields | "all"]?: string | undefined };

/** What the fields ask for, or why they can't be sent; the server judges the rest. */
export function extensionOf(fields: ExtendFields): { more: Extension | null; faults: Faults } {
  const more: Extension = {};
  const faults: Faults = {};
  const seeds = whole(fields.seeds);
  if (seeds === null) faults.seeds = "a whole number";
  else if (seeds) more.seeds = seeds;
  const levels = fields.levels
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);
  if (!levels.every(Number.isFinite)) faults.levels = "numbers, with commas between them";
  else if (levels.length > 0) more.levels = levels;
  const epochs = whole(fields.epochs);
  if (epochs === null) faults.epochs = "a whole number";
  else if (epochs) more.epochs = epochs;
  if (Object.keys({ ...more, ...faults }).length === 0) {
    faults.all = "Enter seeds, levels or epochs to add.";
  }
  return Object.keys(faults).length > 0 ? { more: null, faults } : { more, faults };
}

/** What the server has against an extension, at the fields that it names. */
export function faultsOf(problem: Problem): Faults {
  const faults: Faults = {};
  for (const { pointer, detail } of problem.errors) {
    const [, field = "all"] = /^\/(seeds|levels|epochs)\b/.exec(pointer) ?? [];
    const at = field as keyof Faults;
    faults[at] = [faults[at], detail].filter(Boolean).join("; ");
  }
  return problem.errors.length > 0 ? faults : { all: problemWords(problem) };
}

/** A whole number; 0 where nothing is written, null where it is none. */
function whole(text: string): number | null {
  const trimmed = text.trim();
  return /^\d*$/.test(trimmed) ? Number(trimmed) : null;
}

/** What advice asks for. */
export function adviceOf({ seeds, levels, epochs }: Advice): Extension {
  const more: Extension = {};
  if (seeds > 0) more.seeds = seeds;
  if (levels.length > 0) more.levels = levels;
  if (epochs != null) more.epochs = epochs;
  return more;
}

/** The command that follows advice; in a log it names no sweep. */
export function adviceCommand({ command }: Advice, sweep: string): string {
  return command.replace(/^(floodgauge extend) ID /, `$1 ${sweep} `);
}

/** Where advice is followed that takes a new sweep, as the checkpoints are gone that an extension needs. */
export function newSweepHref({ needs_new_sweep }: Advice, sweep: string): string | null {
  return needs_new_sweep ? againHref(sweep) : null;
}

/** What a button says that follows advice. */
export function adviceWords({ seeds, levels, epochs }: Advice): string {
  const parts = [
    seeds > 0 ? `${seeds} more seed${seeds === 1 ? "" : "s"}` : "",
    levels.length > 0
      ? `level${levels.length === 1 ? "" : "s"} ${levels.map((level) => formatLevel(level)).join(", ")}`
      : "",
    epochs != null ? formatEpochs(epochs) : "",
  ].filter(Boolean);
  return `Try ${parts.join(" and ")}`;
}
