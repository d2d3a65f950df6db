/** The list of sweeps, kept fresh by the stream of all sweeps' events. */

import { signal } from "@preact/signals";
import { api, ProblemError, wordsOf } from "../api/client";
import { openStream } from "../api/stream";
import type { SweepSummary } from "../api/types";
import { paced } from "../paced";

export class ListStore {
  /** Newest first; null until the first answer. */
  readonly sweeps = signal<SweepSummary[] | null>(null);
  /** Where the next page begins. */
  readonly cursor = signal<string | null>(null);
  readonly error = signal("");
  readonly live = signal(false);
  /** Sweeps of which something happened since they were last fetched. */
  private readonly stale = new Set<string>();
  private readonly refresh = paced(() => this.fetchStale());
  private readonly closeStream: () => void;

  constructor() {
    this.closeStream = openStream({
      path: "events",
      onEntry: (entry) => {
        this.stale.add(entry.sweep);
        this.refresh.ask();
      },
      onConnection: (connected) => {
        this.live.value = connected;
        // What happened while there was no connection is in no event of this stream.
        if (connected) void this.fetchFirst();
      },
    });
    void this.fetchFirst();
  }

  close() {
    this.closeStream();
    this.refresh.cancel();
  }

  /** Fetches the page after those that are shown. */
  async more() {
    try {
      const page = await api.sweeps(this.cursor.value ?? undefined);
      this.merge(page.items);
      this.cursor.value = page.next_cursor ?? null;
      this.error.value = "";
    } catch (error) {
      this.error.value = wordsOf(error);
    }
  }

  private async fetchFirst() {
    try {
      const page = await api.sweeps();
      if (this.sweeps.value === null) this.cursor.value = page.next_cursor ?? null;
      this.merge(page.items);
      this.error.value = "";
    } catch (error) {
      this.error.value = wordsOf(error);
    }
  }

  private async fetchStale() {
    const ids = [...this.stale];
    this.stale.clear();
    for (const id of ids) {
      try {
        this.merge([await api.sweep(id)]);
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status === 404) this.drop(id);
        else this.error.value = wordsOf(error);
      }
    }
  }

  /** Ids sort by the time of submission. */
  private merge(items: readonly SweepSummary[]) {
    const all = new Map((this.sweeps.value ?? []).map((sweep) => [sweep.id, sweep]));
    for (const item of items) all.set(item.id, item);
    this.sweeps.value = [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  private drop(id: string) {
    this.sweeps.value = (this.sweeps.value ?? []).filter((sweep) => sweep.id !== id);
  }
}
