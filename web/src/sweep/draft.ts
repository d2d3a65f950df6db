/**
 * A state under way. What it holds is copied at its first change, and only then, so that the
 * state before stays as it was, and a thousand entries at once don't copy a curve a thousand times.
 */

import type { Curve, Point, SweepState, Trial } from "./state";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Curves that may be changed. */
interface Open {
  train: Point[];
  metrics: Record<string, Point[]>;
  diagnostics: Curve["diagnostics"][number][];
}

/** An object with each of its values changed. */
export function mapValues<From, To>(
  of: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));
}

export class Draft {
  readonly state: Writable<SweepState>;
  /** What was copied, and may be changed in place. */
  private readonly own = new WeakSet<object>();

  constructor(before: SweepState) {
    this.state = { ...before };
  }

  /** A trial, to be changed. */
  trial(family: number, arm: number): Writable<Trial> | undefined {
    const known = this.state.trials[family]?.[arm];
    if (!known) return undefined;
    if (this.own.has(known)) return known;
    const families = this.list(this.state.trials);
    const members = this.list(families[family] ?? []);
    const trial = { ...known };
    this.own.add(trial);
    members[arm] = trial;
    families[family] = members;
    this.state.trials = families;
    return trial;
  }

  /** The curves of a trial, to be changed. */
  curve(trial: Writable<Trial>): Open {
    if (!this.own.has(trial.curve)) {
      const { train, metrics, diagnostics } = trial.curve;
      const copy: Open = {
        train: [...train],
        metrics: mapValues(metrics, (points) => [...points]),
        diagnostics: [...diagnostics],
      };
      this.own.add(copy);
      trial.curve = copy;
    }
    return trial.curve as Open;
  }

  /** A list, to be changed; put it where it was. */
  list<T>(of: readonly T[]): T[] {
    return this.owned(of as T[], () => [...of]);
  }

  /** A map, to be changed; put it where it was. */
  map<Key, T>(of: ReadonlyMap<Key, T>): Map<Key, T> {
    return this.owned(of as Map<Key, T>, () => new Map(of));
  }

  private owned<T extends object>(of: T, copied: () => T): T {
    if (this.own.has(of)) return of;
    const copy = copied();
    this.own.add(copy);
    return copy;
  }
}
