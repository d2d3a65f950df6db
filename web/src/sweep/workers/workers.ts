/** Who trains what, as the log tells it. */

import type { Entry } from "../../api/types";
import type { Draft } from "../draft";
import type { Worker } from "../state";

/** Reports from which a speed is told. */
const RECENT = 12;

/** Keeps the workers in step with an entry. */
export function follow(draft: Draft, { event, at }: Entry) {
  switch (event.type) {
    case "claimed": {
      const { worker: name, fingerprint, segment, attempt } = event;
      // Whoever held the segment before holds it no longer.
      release(draft, segment);
      const known = draft.state.workers.get(name);
      const recent = [{ at: Date.parse(at), epochs: 0 }];
      set(draft, {
        name,
        fingerprint,
        segment,
        attempt,
        lost: false,
        trouble: null,
        seen: at,
        epochs: known?.epochs ?? 0,
        recent,
      });
      return;
    }
    case "reported": {
      const worker = holder(draft, event.segment, event.attempt);
      if (!worker) return;
      const epochs = event.rows.length + event.redone;
      const recent = [...worker.recent, { at: Date.parse(at), epochs }].slice(-RECENT);
      set(draft, { ...worker, lost: false, seen: at, epochs: worker.epochs + epochs, recent });
      return;
    }
    case "finished":
    case "failed": {
      const worker = holder(draft, event.segment, event.attempt);
      if (worker) set(draft, { ...worker, segment: null, seen: at });
      return;
    }
    case "handed_back": {
      const { message, retry_in_s: seconds } = event;
      const worker = holder(draft, event.segment, event.attempt);
      const trouble = { message, next: Date.parse(at) + seconds * 1_000 };
      if (worker) set(draft, { ...worker, segment: null, trouble, seen: at });
      return;
    }
    case "expired": {
      // It may come back, and is heard of then.
      const worker = holder(draft, event.segment, event.attempt);
      if (worker) set(draft, { ...worker, lost: true });
      return;
    }
    case "lost": {
      const worker = holder(draft, event.segment, event.attempt);
      if (worker) set(draft, { ...worker, segment: null, lost: true });
      return;
    }
    default:
  }
}

/** Takes a segment from whoever holds it. */
export function release(draft: Draft, segment: number) {
  for (const worker of draft.state.workers.values()) {
    if (worker.segment === segment) set(draft, { ...worker, segment: null });
  }
}

function holder(draft: Draft, segment: number, attempt: number): Worker | undefined {
  for (const worker of draft.state.workers.values()) {
    if (worker.segment === segment && worker.attempt === attempt) return worker;
  }
  return undefined;
}

function set(draft: Draft, worker: Worker) {
  const workers = draft.map(draft.state.workers);
  workers.set(worker.name, worker);
  draft.state.workers = workers;
}

/** Epochs a second, over its latest reports; undefined before there are two. */
export function speedOf({ recent }: Worker): number | undefined {
  const [first, ...others] = recent;
  const last = others.at(-1);
  if (!first || !last || last.at <= first.at) return undefined;
  const epochs = others.reduce((sum, report) => sum + report.epochs, 0);
  return (epochs * 1_000) / (last.at - first.at);
}

/** The device: the last word of a fingerprint. */
export function deviceOf(fingerprint: string): string {
  return fingerprint.trim().split(/\s+/).at(-1) ?? fingerprint;
}
