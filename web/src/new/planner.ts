/** What a sweep would cost, asked of the server while its form is filled in. */

import { signal } from "@preact/signals";
import { api, ProblemError, wordsOf } from "../api/client";
import type { Problem, SweepPlan, SweepSpec } from "../api/types";

/** How long to wait for more letters before asking, in milliseconds. */
const TYPING_MS = 350;

export class Planner {
  /** The plan of the form as it is; null while there is none, or while it is being asked for anew. */
  readonly plan = signal<SweepPlan | null>(null);
  /** What the server has against the form as it is. */
  readonly problem = signal<Problem | null>(null);
  /** Why nothing can be told. */
  readonly error = signal("");
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked: AbortController | undefined;

  /** Asks for the plan of another sweep, or of none while the form can't be read. */
  ask(spec: SweepSpec | null) {
    this.close();
    if (spec) this.timer = setTimeout(() => void this.fetch(spec), TYPING_MS);
    else this.publish(null, null);
  }

  close() {
    clearTimeout(this.timer);
    this.asked?.abort();
  }

  private async fetch(spec: SweepSpec) {
    const asked = new AbortController();
    this.asked = asked;
    try {
      const plan = await api.plan(spec, asked.signal);
      if (!asked.signal.aborted) this.publish(plan, null);
    } catch (error) {
      if (asked.signal.aborted) return;
      const isAbout = error instanceof ProblemError && error.problem.errors.length > 0;
      this.publish(null, isAbout ? error.problem : null, isAbout ? "" : wordsOf(error));
    }
  }

  private publish(plan: SweepPlan | null, problem: Problem | null, error = "") {
    this.plan.value = plan;
    this.problem.value = problem;
    this.error.value = error;
  }
}
