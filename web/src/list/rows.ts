/** The rows of the list: pure, newest first. */

import type { SweepList, SweepStatus, SweepSummary } from "../api/types";

type Rows = readonly SweepSummary[];

/** What the list is cut to. */
export interface Filter {
  /** A part of the name, or the beginning of the id; all sweeps while it is empty. */
  readonly search: string;
  readonly status: SweepStatus | "";
}

export const ALL: Filter = { search: "", status: "" };

/** How much of an id's beginning the server searches for, at least. */
const ID_PART = 8;

/** Whether a filter lets a sweep through, as the server filters. */
export function isFound({ id, name, status }: SweepSummary, filter: Filter): boolean {
  if (filter.status !== "" && filter.status !== status) return false;
  const folded = filter.search.toLowerCase();
  return name.toLowerCase().includes(folded) || (folded.length >= ID_PART && id.startsWith(folded));
}

/** The rows with some newer ones; ids sort by the time of submission. */
export function merge(rows: Rows, newer: Rows): SweepSummary[] {
  const all = new Map(rows.map((row) => [row.id, row]));
  for (const row of newer) all.set(row.id, row);
  return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The rows once the first page is fetched anew: what it leaves out is gone, what is older stays. */
export function renew(rows: Rows, { items, next_cursor }: SweepList): SweepSummary[] {
  const last = next_cursor == null ? undefined : items.at(-1)?.id;
  const older = last === undefined ? [] : rows.filter(({ id }) => id < last);
  return merge(older, items);
}

/** The rows once a sweep has changed: in its place, or out if the filter doesn't let it through. */
export function update(rows: Rows, sweep: SweepSummary, filter: Filter): SweepSummary[] {
  if (isFound(sweep, filter)) return merge(rows, [sweep]);
  return rows.filter(({ id }) => id !== sweep.id);
}
