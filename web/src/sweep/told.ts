/** What the server tells of a sweep that its log doesn't: what it waits for, how far it has got. */

import type { SweepDetail, Waiting } from "../api/types";
import { isFinal, type SweepState } from "./state";

/** What is asked for every now and then, as of one place in the log. */
export type Told = Pick<SweepDetail, "seq" | "waiting" | "progress" | "troubled_workers">;

/** What a sweep waits for; null where it ended, or something has happened since that was told. */
export function waitingOf({ status, seq }: SweepState, told: Told | null): Waiting | null {
  if (!told || isFinal(status) || seq > told.seq) return null;
  return told.waiting ?? null;
}
