/** The rows of the list: pure, newest first. */

import type { SweepList, SweepSummary } from "../api/types";

type Rows = readonly SweepSummary[];

/** How much of an id's beginning the server searches for, at least. */
const ID_PART = 8;

/** Whether a text finds a sweep, as the server searches. */
export function isFound({ id, name }: SweepSummary, text: string): boolean {
  const folded = text.toLowerCase();
  return name.toLowerCase().includes(folded) || (folded.length >= ID_PART && id.startsWith(folded));
}

/** The rows with some newly told; ids sort by the time of submission. */
export function merge(rows: Rows, told: Rows): SweepSummary[] {
  const all = new Map(rows.map((row) => [row.id, row]));
  for (const row of told) all.set(row.id, row);
  return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The rows once the first page is told anew: what it leaves out is gone, what is older stays. */
export function renew(rows: Rows, { items, next_cursor }: SweepList): SweepSummary[] {
  const last = next_cursor == null ? undefined : items.at(-1)?.id;
  const older = last === undefined ? [] : rows.filter(({ id }) => id < last);
  return merge(older, items);
}
