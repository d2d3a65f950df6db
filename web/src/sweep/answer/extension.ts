/** What a completed sweep may be extended by, as people write it. */

import type { Extension } from "../../api/client";

/** The fields of the form as they are written. */
export interface ExtendFields {
  readonly seeds: string;
  readonly levels: string;
  readonly epochs: string;
}

/** What the fields ask for, or why they can't be sent; the server judges the rest. */
export function extensionOf(fields: ExtendFields): { more: Extension | null; problem: string } {
  const no = (problem: string) => ({ more: null, problem });
  const more: Extension = {};
  const seeds = whole(fields.seeds);
  if (seeds === null) return no("Further seeds are a whole number.");
  if (seeds) more.seeds = seeds;
  const levels = fields.levels
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);
  if (levels.some((level) => !Number.isFinite(level)))
    return no("Levels are numbers, with commas between them.");
  if (levels.length > 0) more.levels = levels;
  const epochs = whole(fields.epochs);
  if (epochs === null) return no("Epochs are a whole number.");
  if (epochs) more.epochs = epochs;
  return Object.keys(more).length > 0
    ? { more, problem: "" }
    : no("Say what there should be more of.");
}

/** A whole number; 0 where nothing is written, null where it is none. */
function whole(text: string): number | null {
  const trimmed = text.trim();
  return /^\d*$/.test(trimmed) ? Number(trimmed) : null;
}
