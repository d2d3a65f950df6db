/** A recorded sweep in its own words and in others: no panel reads them. */

import { describe, expect, it } from "vitest";
import recorded from "../../../tests/golden/served/halving.jsonl?raw";
import type { Entry, Metric, SweepDetail } from "../api/types";
import { objectiveOf } from "../metrics";
import { firstShown } from "./curves/metrics";
import { columnsOf, Filler } from "./curves/series";
import { marksOf } from "./curves/style";
import { sharesOf } from "./ledger/shares";
import { linesOf } from "./log/panel";
import { reduceAll } from "./reducer";
import { responseOf } from "./response/data";
import { rungsOf } from "./rungs/rungs";
import { chancesOf } from "./standing/chances";
import { byStanding, rowsOf, trialKey } from "./standing/rows";
import { decayOf, hasCurves, initialState, valuesOf, type SweepState } from "./state";
import { summaryWords } from "./summary";
import { endReasons, sharing, isReasonOfEnd } from "./why";
import { speedOf } from "./workers/workers";

const [head = "", ...lines] = recorded.trim().split("\n");
const detail = JSON.parse(head) as SweepDetail;
const entries = lines.map((line) => JSON.parse(line) as Entry);

/** Fields that hold sentences: those of decisions and their data, of answers, and of lines. */
const SENTENCES = new Set(["reason", "verdict", "words", "first", "text"]);

/** The same with each sentence as something makes it. */
function withSentences<T>(of: T, make: (sentence: string) => string): T {
  const words = (field: string, value: unknown): unknown =>
    typeof value === "string" && value !== "" && SENTENCES.has(field) ? make(value) : value;
  return JSON.parse(JSON.stringify(of, words)) as T;
}

/** The same with every sentence in words that no other has. */
function reworded<T>(of: T): T {
  let count = 0;
  return withSentences(of, () => `⟨${(count += 1)}⟩`);
}

/** Leaves of what panels show only where sentences of these entries stand in it. */
function wordlessAfter(entries: readonly Entry[]) {
  const spoken = new Set<string>();
  withSentences(entries, (sentence) => (spoken.add(sentence), sentence));
  const longestFirst = [...spoken].toSorted((a, b) => b.length - a.length);
  const known = new Map([...spoken].map((sentence) => [sentence, "…"]));
  const wordless = (words: string) => {
    const told =
      known.get(words) ?? longestFirst.reduce((rest, s) => rest.replaceAll(s, "…"), words);
    known.set(words, told);
    return told;
  };
  return <T>(of: T) => withSentences(of, wordless);
}

/** What each panel shows, as far as it is worked out from the state. */
function panels(state: SweepState) {
  const { detail, trials, answer } = state;
  const decay = decayOf(detail, answer);
  const families = detail.families.flatMap((each) =>
    each.weight_decay === decay ? [each.family] : [],
  );
  const objectives = objectivesOf(state);
  const arms = detail.arms_list.map(({ arm }) => arm);
  const metric = firstShown(detail);
  const shown = { metric, train: true, validation: true, log: false, smooth: 1 };
  const columns = columnsOf(arms, families, true, shown);
  const { data } = new Filler(columns, shown).fill(trials);
  const emphasis = { leader: null, picked: null, pointed: null };
  const shared = sharing(trials.flat());
  return {
    answer: { status: state.status, answer, chances: [...chancesOf(answer, decay)] },
    summary: summaryWords(detail),
    curves: { has: hasCurves(state), data, marks: marksOf(state, columns, data, String, emphasis) },
    ledger: answer && sharesOf(answer.run_equivalents),
    log: arms.map((arm) => linesOf(state.log, arm)),
    response: responseOf(state, families, objectives, answer, decay),
    rungs: rungsOf(state, decay),
    standing: {
      rows: rowsOf(state, families, objectives).toSorted(byStanding(objectiveOf(detail).direction)),
      shared: shared && { reason: shared.reason, told: isReasonOfEnd(state, shared) },
      ends: arms.map((arm) => ({ reason: endReasons(families.flatMap((f) => trials[f]![arm]!)) })),
    },
    workers: [...state.workers.values()].map((worker) => ({ ...worker, speed: speedOf(worker) })),
  };
}

/** The newest value of each trial. */
function objectivesOf({ detail, trials }: SweepState): Map<string, Metric> {
  const newest = trials.flat().flatMap(({ family, arm, curve }) => {
    const value = valuesOf(curve, detail.metric).at(-1);
    return value == null ? [] : [[trialKey(family, arm), value] as const];
  });
  return new Map(newest);
}

describe("rewording every reason", () => {
  const others = reworded(entries);
  const [ownWordless, otherWordless] = [wordlessAfter(entries), wordlessAfter(others)];

  it("changes every sentence, and nothing else", () => {
    expect(otherWordless(others)).toEqual(ownWordless(entries));
    expect(JSON.stringify(others)).not.toMatch(/is trained to the end|trained all/);
  });

  it("leaves every panel as it was, but for the words that it shows", () => {
    const before = initialState(detail);
    // At the end, and wherever the sweep stands on its way.
    for (let count = 0; count <= entries.length; count += 1) {
      const own = panels(reduceAll(before, entries.slice(0, count)));
      const other = panels(reduceAll(before, others.slice(0, count)));
      expect(otherWordless(other), `after ${count} entries`).toEqual(ownWordless(own));
    }
  });

  it("is tried on a sweep that has what panels show", () => {
    const own = panels(reduceAll(initialState(detail), entries));
    expect(own.rungs.flatMap(({ stands }) => stands).length).toBeGreaterThan(4);
    expect(own.standing.rows.some(({ reason }) => reason.includes("alike"))).toBe(true);
    expect(own.curves.marks.some(({ kind }) => kind === "end")).toBe(true);
    expect(own.workers.length).toBeGreaterThan(0);
    expect(own.log.flat().length).toBeGreaterThan(entries.length / 2);
    expect(panels(reduceAll(initialState(detail), others))).not.toEqual(own);
  });
});
