/** One sweep, live: its event log folded, and the figures that only the server works out. */

import { batch, computed, signal } from "@preact/signals";
import { api, ProblemError, wordsOf } from "../api/client";
import { openStream } from "../api/stream";
import type { Best, Entry, Metric, TrialItem } from "../api/types";
import { perFrame } from "../frame";
import { paced } from "../paced";
import { askWho } from "../session/store";
import { reduce } from "./reducer";
import { initialState, isFinal, type SweepState } from "./state";

export class SweepStore {
  /** Null until the server has told what the sweep is. */
  readonly state = signal<SweepState | null>(null);
  /** By `family.arm`. */
  readonly objectives = signal<ReadonlyMap<string, Metric>>(new Map());
  readonly error = signal("");
  /** Whether the server has no such sweep. */
  readonly missing = signal(false);
  readonly connected = signal(false);
  private readonly soFar = signal<Best | null>(null);
  /** The answer: the final one if there is one. */
  readonly best = computed(() => this.state.value?.answer ?? this.soFar.value);

  /** Entries that came since the last frame. */
  private queue: Entry[] = [];
  private readonly frame = perFrame(() => this.drain());
  private readonly refresh = paced(() => this.fetchFigures());
  private closeStream: () => void = () => {};
  private closed = false;

  constructor(readonly id: string) {
    void this.open();
  }

  close() {
    this.closed = true;
    this.closeStream();
    this.frame.cancel();
    this.refresh.cancel();
  }

  /** Asks the server to end the sweep. */
  async cancel() {
    try {
      await api.cancel(this.id);
      this.error.value = "";
    } catch (error) {
      this.error.value = wordsOf(error);
    }
  }

  /** Asks again after something went wrong at the start. */
  async open() {
    try {
      const detail = await api.sweep(this.id);
      if (this.closed) return;
      this.error.value = "";
      this.state.value = initialState(detail);
    } catch (error) {
      this.missing.value = error instanceof ProblemError && error.problem.status === 404;
      this.error.value = wordsOf(error);
      return;
    }
    this.refresh.ask();
    this.closeStream = openStream({
      path: `sweeps/${encodeURIComponent(this.id)}/events`,
      after: () => this.newestSeq(),
      onEntry: (entry) => {
        this.queue.push(entry);
        this.frame.ask();
      },
      onRefused: () => void askWho(),
      onConnection: (connected) => {
        this.connected.value = connected;
      },
    });
  }

  private newestSeq(): number {
    return this.queue.at(-1)?.seq ?? this.state.peek()?.seq ?? 0;
  }

  /** Folds what has come, once per frame. */
  private drain() {
    const before = this.state.peek();
    if (!before) return;
    const entries = this.queue;
    this.queue = [];
    const after = entries.reduce(reduce, before);
    this.state.value = after;
    this.refresh.ask();
    // The server ends the stream here; a browser would ask for it again and again.
    if (isFinal(after.status)) this.closeStream();
  }

  private async fetchFigures() {
    try {
      const [best, trials] = await Promise.all([api.best(this.id), api.trials(this.id)]);
      batch(() => {
        this.soFar.value = best;
        this.objectives.value = objectivesOf(trials);
        this.error.value = "";
      });
    } catch (error) {
      this.error.value = wordsOf(error);
    }
  }
}

/** The key of a trial in {@link SweepStore.objectives}. */
export function trialKey(family: number, arm: number): string {
  return `${family}.${arm}`;
}

function objectivesOf(trials: readonly TrialItem[]): Map<string, Metric> {
  const objectives = new Map<string, Metric>();
  for (const { family, arm, objective } of trials) {
    if (objective != null) objectives.set(trialKey(family, arm), objective);
  }
  return objectives;
}
