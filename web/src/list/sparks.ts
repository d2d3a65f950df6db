/** The sparklines of rows that are seen, each fetched again when its sweep has moved on. */

import { signal, type Signal } from "@preact/signals";
import { api } from "../api/client";
import type { Sparkline } from "../api/types";

/** Requests at a time: the list is long, and its rows come first. */
const AT_ONCE = 3;

export class Sparks {
  private readonly lines = new Map<string, Signal<Sparkline | null>>();
  /** The time that each line was fetched for; the newest wish of those that wait. */
  private readonly asOf = new Map<string, string>();
  private readonly waiting = new Map<string, string>();
  private busy = 0;

  /** A sweep's line; null until it is fetched. */
  of(sweep: string): Signal<Sparkline | null> {
    let line = this.lines.get(sweep);
    if (!line) this.lines.set(sweep, (line = signal<Sparkline | null>(null)));
    return line;
  }

  /** Asks for a sweep's line as of a time, unless it is there or on its way. */
  want(sweep: string, asOf: string) {
    if (this.asOf.get(sweep) === asOf) return;
    this.waiting.set(sweep, asOf);
    this.next();
  }

  private next() {
    const [wish] = this.waiting;
    if (!wish || this.busy >= AT_ONCE) return;
    const [sweep, asOf] = wish;
    this.waiting.delete(sweep);
    this.asOf.set(sweep, asOf);
    this.busy += 1;
    api
      .sparkline(sweep)
      .then((line) => (this.of(sweep).value = line))
      // A row without its line tells all else; the next change asks again.
      .catch(() => this.asOf.delete(sweep))
      .finally(() => {
        this.busy -= 1;
        this.next();
      });
  }
}
