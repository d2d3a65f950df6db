/** Workers whose machines are in trouble: as the log tells them, and as the server does of all it has. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../../api/client";
import type { SweepDetail, TroubledWorker } from "../../api/types";
import type { SweepState, Trouble, Worker } from "../state";

/** How often the server is asked, in milliseconds: a sweep that nobody takes has no news of its own. */
const ASK_MS = 20_000;

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

/** What the server tells of workers in trouble, asked for every now and then as long as a sweep goes on. */
export function useTold(detail: SweepDetail | undefined, live: boolean): readonly TroubledWorker[] {
  const told = useSignal<readonly TroubledWorker[] | null>(null);
  const id = detail?.id;
  useEffect(() => {
    if (!live || id === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.hidden) return;
      // What can't be had is told elsewhere on the page.
      api.sweep(id).then(
        ({ troubled_workers: workers }) => (told.value = workers),
        () => {},
      );
    }, ASK_MS);
    return () => clearInterval(timer);
  }, [id, live, told]);
  return live ? (told.value ?? detail?.troubled_workers ?? []) : [];
}
