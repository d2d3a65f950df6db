/** What a completed sweep may be extended by: as people write it, and as the verdict advises it. */

import type { Extension } from "../../api/client";
import type { Advice } from "../../api/types";
import { formatLevel } from "../../format";

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

/** What advice asks for. */
export function adviceOf({ seeds, levels, epochs }: Advice): Extension {
  const more: Extension = {};
  if (seeds > 0) more.seeds = seeds;
  if (levels.length > 0) more.levels = levels;
  if (epochs != null) more.epochs = epochs;
  return more;
}

/** What a button says that follows advice. */
export function adviceWords({ seeds, levels, epochs }: Advice): string {
  const parts = [
    seeds > 0 ? `${seeds} more seed${seeds === 1 ? "" : "s"}` : "",
    levels.length > 0 ? `levels ${levels.map((level) => formatLevel(level)).join(", ")}` : "",
    epochs != null ? `${epochs} epochs` : "",
  ].filter(Boolean);
  return `Try ${parts.join(" and ")}`;
}
