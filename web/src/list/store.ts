/** The list of sweeps, kept fresh by the stream of all sweeps' events. */

import { signal } from "@preact/signals";
import { api, ProblemError, wordsOf } from "../api/client";
import { openStream } from "../api/stream";
import type { SweepSummary } from "../api/types";
import { paced } from "../paced";
import { askWho } from "../session/store";
import { ALL, merge, renew, update, type Filter } from "./rows";
import { Sparks } from "./sparks";

/** How long to wait for more letters before searching, in milliseconds. */
const TYPING_MS = 200;

export class ListStore {
  /** Newest first; null until the first answer. */
  readonly sweeps = signal<SweepSummary[] | null>(null);
  /** What is asked for. */
  readonly filter = signal<Filter>(ALL);
  /** What the sweeps that are shown were asked for by. */
  readonly shown = signal<Filter>(ALL);
  /** The sweeps that the reader has ticked, in that order. */
  readonly picked = signal<readonly string[]>([]);
  readonly sparks = new Sparks();
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
      onRefused: () => void askWho(),
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

  /** Asks for other sweeps, once no more of a text is typed. */
  find(change: Partial<Filter>) {
    this.filter.value = { ...this.filter.value, ...change };
    clearTimeout(this.typing);
    this.typing = setTimeout(() => void this.fetchFirst(), TYPING_MS);
  }

  pick(id: string, isPicked: boolean) {
    const others = this.picked.value.filter((each) => each !== id);
    this.picked.value = isPicked ? [...others, id] : others;
  }

  /** Fetches the page after those that are shown. */
  async more() {
    const filter = this.shown.value;
    try {
      const page = await api.sweeps({ ...trimmed(filter), cursor: this.cursor.value ?? undefined });
      if (filter !== this.shown.value) return;
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
    this.pick(id, false);
  }

  private async fetchFirst() {
    const filter = this.filter.value;
    try {
      const page = await api.sweeps(trimmed(filter));
      // An answer to an older question may come after that to a newer one.
      if (filter !== this.filter.value) return;
      const before = filter === this.shown.value ? (this.sweeps.value ?? []) : [];
      const rows = renew(before, page);
      if (rows.length === page.items.length) this.cursor.value = page.next_cursor ?? null;
      this.sweeps.value = rows;
      this.shown.value = filter;
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
        this.sweeps.value = update(this.sweeps.value ?? [], sweep, trimmed(this.shown.value));
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status === 404) this.drop(id);
        else this.error.value = wordsOf(error);
      }
    }
  }
}

function trimmed(filter: Filter): Filter {
  return { ...filter, search: filter.search.trim() };
}
