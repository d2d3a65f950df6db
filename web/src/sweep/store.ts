/** One sweep, live: its event log folded, and the figures that only the server works out. */

import { batch, computed, signal } from "@preact/signals";
import { api, ProblemError, wordsOf, type Extension } from "../api/client";
import { onReturn } from "../api/pulse";
import { openStream } from "../api/stream";
import type {
  Best,
  Entry,
  Metric,
  SweepBest,
  SweepDetail,
  SweepTable,
  TrialItem,
} from "../api/types";
import { perFrame } from "../frame";
import { paced } from "../paced";
import { askWho } from "../session/store";
import { barAfter, NO_BAR, type Bar } from "./answer/bar";
import { calmly } from "./calm";
import { whileQuiet } from "./quiet";
import { reduceAll } from "./reducer";
import { settledOf } from "./settled";
import { trialKey } from "./standing/rows";
import { initialState, isFinal, withDetail, type SweepState } from "./state";
import type { Told } from "./told";

/** How long to wait before asking again for what couldn't be had, in milliseconds. */
const RETRY_MS = 2_000;

export class SweepStore {
  /** As each frame has it; null until the server has told what the sweep is. For charts. */
  readonly state = signal<SweepState | null>(null);
  /** The same a few times a second. For words, which nobody reads faster. */
  readonly calm = signal<SweepState | null>(null);
  /** By `family.arm`. */
  readonly objectives = signal<ReadonlyMap<string, Metric>>(new Map());
  /** What couldn't be had; gone once it could. */
  readonly error = signal("");
  /** Why the server wouldn't do what the reader asked for last; stands until the next action, or until dismissed. */
  readonly refused = signal("");
  /** Whether the server has no such sweep. */
  readonly missing = signal(false);
  readonly connected = signal(false);
  /** The paper's table; null until it is known. */
  readonly table = signal<SweepTable | null>(null);
  /** What the server tells beside the log. */
  readonly told = signal<Told | null>(null);
  readonly bar = signal<Bar>(NO_BAR);
  private readonly soFar = signal<SweepBest | null>(null);
  /** What is known so far, the final answer if there is one. */
  readonly best = computed<Best | null>(() => this.calm.value?.answer ?? this.soFar.value);
  /** The answer, once there is one. */
  readonly settled = computed(() => settledOf(this.calm.value, this.best.value));
  /** What to paste into a training script, once the sweep has completed; the log doesn't tell it. */
  readonly paste = computed(() => this.soFar.value?.paste ?? null);

  /** Entries that came since the last frame. */
  private queue: Entry[] = [];
  /** Whether the sweep is asked for anew; entries wait meanwhile. */
  private growing = false;
  private readonly frame = perFrame(() => this.drain());
  private readonly calming = calmly(() => {
    this.calm.value = this.state.peek();
  });
  private readonly refresh = paced(() => this.fetchFigures());
  private readonly forgetReturns = onReturn(() => this.askAgain());
  /** A sweep that nobody takes has no news of its own, and a stream may be cut. */
  private readonly quiet = whileQuiet(() => this.askWhileLive());
  /** What was just told, for the figures that are fetched for its sake. */
  private ahead: SweepDetail | null = null;
  /** As of which entry the figures are; -1 before there are any. */
  private figuresAsOf = -1;
  private closeStream: () => void = () => {};
  private closed = false;

  constructor(readonly id: string) {
    document.addEventListener("visibilitychange", this.resume);
    window.addEventListener("focus", this.resume);
    void this.open();
  }

  close() {
    this.closed = true;
    this.forgetReturns();
    document.removeEventListener("visibilitychange", this.resume);
    window.removeEventListener("focus", this.resume);
    this.closeStream();
    this.frame.cancel();
    this.calming.cancel();
    this.refresh.cancel();
    this.quiet.cancel();
  }

  /** Asks the server to change the sweep; its log tells what came of it. */
  change(ask: (id: string) => Promise<SweepDetail>): Promise<void> {
    return this.act(async () => this.hear(await ask(this.id)));
  }

  /** Does something that the server may refuse. */
  async act(action: () => Promise<void>): Promise<void> {
    this.dismiss();
    try {
      await action();
    } catch (error) {
      this.refused.value = wordsOf(error);
    }
  }

  /** The reader has seen why the last action was refused. */
  dismiss() {
    this.refused.value = "";
  }

  /**
   * Extends the sweep, which goes on; its stream has ended with it and is taken up again. Whoever asks
   * tells of a refusal: a form does so at its fields.
   */
  async extend(more: Extension): Promise<void> {
    this.dismiss();
    await api.extend(this.id, more);
    this.follow();
  }

  /** Asks again after something went wrong at the start. */
  async open() {
    // The answer is what the reader came for: it is asked for at once.
    this.refresh.ask();
    try {
      const detail = await api.sweep(this.id);
      if (this.closed) return;
      this.error.value = "";
      this.state.value = initialState(detail);
      this.calm.value = this.state.value;
      this.hear(detail);
    } catch (error) {
      this.missing.value = error instanceof ProblemError && error.problem.status === 404;
      this.error.value = wordsOf(error);
      return;
    }
    this.follow();
  }

  /** Asks again for what couldn't be had while the server was away; the stream takes itself up again. */
  private askAgain() {
    const state = this.state.peek();
    if (!state) return void this.open();
    this.error.value = "";
    this.refresh.ask();
    if (state.status === "completed" && !this.table.peek()) void this.fetchTable();
  }

  private follow() {
    this.closeStream();
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

  /** Whoever comes back to a sweep that had ended may have extended it elsewhere. */
  private readonly resume = () => {
    const state = this.state.peek();
    if (document.hidden) return;
    // News of one that goes on is soon asked for, however seldom it was while nobody looked.
    this.quiet.heard();
    if (!state || !isOver(state)) return;
    // If the server is away, what is shown is still so.
    api.sweep(this.id).then(
      ({ seq }) => {
        if (seq > this.newestSeq() && !this.closed) this.follow();
      },
      () => {},
    );
  };

  /** Takes in what the server tells beside the log. */
  private hear(told: Told) {
    const state = this.state.peek();
    // An answer that was long on its way may be older than the one before.
    if (!state || told.seq < (this.told.peek()?.seq ?? 0)) return;
    batch(() => {
      this.told.value = told;
      this.bar.value = barAfter(this.bar.peek(), state, told);
    });
  }

  /** Asks how it stands, and for the figures only if they are older than that; answers whether there was news. */
  private async askWhileLive(): Promise<boolean> {
    const state = this.state.peek();
    if (!state || isFinal(state.status) || document.hidden) return false;
    try {
      const before = this.told.peek();
      const detail = await api.sweep(this.id);
      if (this.closed) return false;
      this.hear(detail);
      if (detail.seq > this.figuresAsOf) {
        this.ahead = detail;
        this.refresh.ask();
        return true;
      }
      this.error.value = "";
      return detail.waiting?.for !== before?.waiting?.for;
    } catch (error) {
      this.error.value = wordsOf(error);
      return false;
    }
  }

  private newestSeq(): number {
    return this.queue.at(-1)?.seq ?? this.state.peek()?.seq ?? 0;
  }

  /** Folds what has come, once per frame. */
  private drain() {
    const before = this.state.peek();
    if (!before || this.growing) return;
    const more = this.queue.findIndex(
      ({ seq, event }) => event.type === "extended" && seq > before.detail.seq,
    );
    // An extension, and what follows it, is about arms and families that nobody knows here yet.
    const entries = this.queue.splice(0, more < 0 ? this.queue.length : more);
    const after = reduceAll(before, entries);
    this.quiet.heard();
    this.state.value = after;
    this.calming.ask();
    this.refresh.ask();
    if (more >= 0) void this.grow();
    // The server ends the stream here; a browser would ask for it again and again.
    else if (isOver(after)) {
      this.closeStream();
      this.calming.now();
      if (after.status === "completed") void this.fetchTable();
    }
  }

  /** Learns what an extended sweep is now, and goes on. */
  private async grow() {
    this.growing = true;
    // It is of what there was before.
    this.table.value = null;
    let pause = 0;
    try {
      const detail = await api.sweep(this.id);
      const before = this.state.peek();
      if (before) this.state.value = withDetail(before, detail);
    } catch (error) {
      this.error.value = wordsOf(error);
      pause = RETRY_MS;
    }
    setTimeout(() => {
      this.growing = false;
      if (!this.closed) this.frame.ask();
    }, pause);
  }

  /** The paper's table, which there is once the sweep has completed. */
  private async fetchTable() {
    try {
      this.table.value = await api.table(this.id);
    } catch (error) {
      // Of a sweep that another version of the scheduler ran there is none.
      if (error instanceof ProblemError && error.problem.status === 409) return;
      this.error.value = wordsOf(error);
    }
  }

  private async fetchFigures() {
    const ahead = this.ahead;
    this.ahead = null;
    try {
      const answer = api.best(this.id).then((best) => {
        // The rest takes longer, and is asked for less.
        this.soFar.value ??= best;
        return best;
      });
      const [best, trials, told] = await Promise.all([
        answer,
        api.trials(this.id),
        ahead ?? api.sweep(this.id),
      ]);
      if (this.closed) return;
      batch(() => {
        this.hear(told);
        this.figuresAsOf = Math.max(this.figuresAsOf, told.seq);
        this.soFar.value = best;
        this.objectives.value = objectivesOf(trials);
        this.error.value = "";
      });
    } catch (error) {
      // A sweep that isn't there has been told of.
      if (!this.missing.value) this.error.value = wordsOf(error);
    }
  }
}

/** Whether a sweep has ended and all of its log is known that was there when it was looked at. */
function isOver({ status, seq, detail }: SweepState): boolean {
  return isFinal(status) && seq >= detail.seq;
}

function objectivesOf(trials: readonly TrialItem[]): Map<string, Metric> {
  const objectives = new Map<string, Metric>();
  for (const { family, arm, objective } of trials) {
    if (objective != null) objectives.set(trialKey(family, arm), objective);
  }
  return objectives;
}
