/** Workers whose machines are in trouble: as the log tells them, and as the server does of all it has. */

import type { TroubledWorker } from "../../api/types";
import type { SweepState, Trouble, Worker } from "../state";

/** A worker with its trouble. */
export interface Named {
  readonly name: string;
  readonly trouble: Trouble;
}

/** The trouble of a worker that trains nothing of this sweep; of what is told twice, the later. */
export function troubleOf(worker: Worker, told: readonly TroubledWorker[]): Trouble | null {
  if (worker.segment !== null) return null;
  const other = told.find((of) => of.worker === worker.name);
  const both = [worker.trouble, other ? asTrouble(other) : null];
  return both.reduce((a, b) => (a && b ? (a.next >= b.next ? a : b) : (a ?? b)));
}

/** Those in trouble that have taken nothing of this sweep. */
export function strangers(state: SweepState, told: readonly TroubledWorker[]): Named[] {
  const unknown = told.filter(({ worker }) => !state.workers.has(worker));
  return unknown.map((of) => ({ name: of.worker, trouble: asTrouble(of) }));
}

function asTrouble({ message, next_try_at: next }: TroubledWorker): Trouble {
  return { message, next: Date.parse(next) };
}
