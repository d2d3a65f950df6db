/** The list of sweeps, kept fresh by the stream of all sweeps' events. */

import { signal } from "@preact/signals";
import { api, ProblemError, wordsOf } from "../api/client";
import { openStream } from "../api/stream";
import type { SweepSummary } from "../api/types";
import { paced } from "../paced";
import { isFound, merge, renew } from "./rows";

/** How long to wait for more letters before searching, in milliseconds. */
const TYPING_MS = 200;

export class ListStore {
  /** Newest first; null until the first answer. */
  readonly sweeps = signal<SweepSummary[] | null>(null);
  /** What is searched for; all sweeps while it is empty. */
  readonly search = signal("");
  /** What the sweeps that are shown were searched for. */
  readonly shown = signal("");
  /** Where the next page begins. */
  readonly cursor = signal<string | null>(null);
  readonly error = signal("");
  readonly live = signal(false);
  /** Sweeps of which something happened since they were last fetched. */
  private readonly stale = new Set<string>();
  private readonly refresh = paced(() => this.fetchStale());
  private readonly closeStream: () => void;
  private typing: ReturnType<typeof setTimeout> | undefined;

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
    clearTimeout(this.typing);
  }

  /** Searches for a text once no more of it is typed. */
  find(text: string) {
    this.search.value = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => void this.fetchFirst(), TYPING_MS);
  }

  /** Fetches the page after those that are shown. */
  async more() {
    const search = this.shown.value;
    try {
      const page = await api.sweeps({ search, cursor: this.cursor.value ?? undefined });
      if (search !== this.shown.value) return;
      this.sweeps.value = merge(this.sweeps.value ?? [], page.items);
      this.cursor.value = page.next_cursor ?? null;
      this.error.value = "";
    } catch (error) {
      this.error.value = wordsOf(error);
    }
  }

  /** Takes a sweep out that is gone. */
  drop(id: string) {
    this.sweeps.value = (this.sweeps.value ?? []).filter((sweep) => sweep.id !== id);
  }

  private async fetchFirst() {
    const search = this.search.value.trim();
    try {
      const page = await api.sweeps({ search });
      // An answer to an older question may come after that to a newer one.
      if (search !== this.search.value.trim()) return;
      const before = search === this.shown.value ? (this.sweeps.value ?? []) : [];
      const rows = renew(before, page);
      if (rows.length === page.items.length) this.cursor.value = page.next_cursor ?? null;
      this.sweeps.value = rows;
      this.shown.value = search;
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
        const sweep = await api.sweep(id);
        if (isFound(sweep, this.shown.value)) {
          this.sweeps.value = merge(this.sweeps.value ?? [], [sweep]);
        }
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status === 404) this.drop(id);
        else this.error.value = wordsOf(error);
      }
    }
  }
}
