/** Sweeps side by side, each kept fresh by the stream of all sweeps' events. */

import { signal } from "@preact/signals";
import { api, wordsOf } from "../api/client";
import { openStream } from "../api/stream";
import type { SweepDetail, TrialItem } from "../api/types";
import { paced } from "../paced";

/** What is known of one of the sweeps. */
export interface Compared {
  readonly id: string;
  readonly detail: SweepDetail | null;
  readonly trials: readonly TrialItem[];
  readonly error: string;
}

export class CompareStore {
  readonly sweeps = signal<readonly Compared[]>([]);
  private readonly stale: Set<string>;
  private readonly refresh = paced(() => this.fetchStale());
  private readonly closeStream: () => void;

  constructor(ids: readonly string[]) {
    this.sweeps.value = ids.map((id) => ({ id, detail: null, trials: [], error: "" }));
    this.stale = new Set(ids);
    this.closeStream = openStream({
      path: "events",
      onEntry: ({ sweep }) => this.ask([sweep].filter((id) => ids.includes(id))),
      // What happened while there was no connection is in no event of this stream.
      onConnection: (connected) => connected && this.ask(ids),
    });
    this.refresh.ask();
  }

  close() {
    this.closeStream();
    this.refresh.cancel();
  }

  private ask(ids: readonly string[]) {
    if (ids.length === 0) return;
    for (const id of ids) this.stale.add(id);
    this.refresh.ask();
  }

  private async fetchStale() {
    const ids = [...this.stale];
    this.stale.clear();
    await Promise.all(ids.map((id) => this.fetchOne(id)));
  }

  private async fetchOne(id: string) {
    const update = (change: Partial<Compared>) => {
      this.sweeps.value = this.sweeps.value.map((each) =>
        each.id === id ? { ...each, ...change } : each,
      );
    };
    try {
      const [detail, trials] = await Promise.all([api.sweep(id), api.trials(id)]);
      update({ detail, trials, error: "" });
    } catch (error) {
      update({ error: wordsOf(error) });
    }
  }
}
