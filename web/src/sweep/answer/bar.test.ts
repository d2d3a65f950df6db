import { describe, expect, it } from "vitest";
import type { Progress } from "../../api/types";
import { initialState, type SweepState } from "../state";
import { aDetail } from "../testing";
import type { Told } from "../told";
import { barAfter, NO_BAR, phaseWords, progressWords } from "./bar";

const running: SweepState = { ...initialState(aDetail()), status: "running", seq: 9 };

function told(spent: number, planned: number, seq = 9, change: Partial<Progress> = {}): Told {
  const progress: Progress = {
    phase: "training plain, and probing levels",
    spent,
    planned,
    pruned: 0,
    elapsed_s: null,
    left_s: null,
    ...change,
  };
  return { seq, waiting: null, progress, troubled_workers: [] };
}

describe("the bar of a sweep", () => {
  it("is as full as what is spent of what is planned", () => {
    expect(barAfter(NO_BAR, running, told(1, 4)).share).toBe(0.25);
    expect(barAfter(NO_BAR, running, told(0, 0)).share).toBe(0);
  });

  it("never stands full while work goes on", () => {
    expect(barAfter(NO_BAR, running, told(4, 4)).share).toBe(0.99);
    expect(barAfter(NO_BAR, { ...running, status: "paused" }, told(4, 4)).share).toBe(0.99);
    expect(barAfter(NO_BAR, { ...running, status: "completed" }, told(4, 4)).share).toBe(1);
  });

  it("never goes back by itself", () => {
    const before = barAfter(NO_BAR, running, told(2, 4));
    expect(barAfter(before, running, told(2, 8)).share).toBe(0.5);
  });

  it("goes back where the log says why, once what is told is of after that", () => {
    const before = barAfter(NO_BAR, running, told(2, 4));
    const extended = { ...running, seq: 12, setback: { seq: 12, words: "by two seeds" } };
    expect(barAfter(before, extended, told(2, 4, 11))).toEqual(before);
    const after = barAfter(before, extended, told(2, 8, 12));
    expect(after).toEqual({ share: 0.25, since: 12 });
    expect(barAfter(after, extended, told(2, 9, 13)).share).toBe(0.25);
  });

  it("stays where it is while nothing is told", () => {
    const before = barAfter(NO_BAR, running, told(2, 4));
    expect(barAfter(before, running, { ...told(0, 0), progress: null })).toEqual(before);
  });
});

const SOURCES = import.meta.glob<string>("../../**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});

it("how far a sweep is, is put into words in one place", () => {
  // Whoever reads one of these figures would word it; what is drawn of it is the bar's.
  const reads = /\b(?:elapsed_s|left_s)\b/;
  const sources = Object.entries(SOURCES).filter(([path]) => !/\.test\.ts$|schema/.test(path));
  const wording = sources.filter(([, text]) => reads.test(text)).map(([path]) => path);
  expect(wording).toEqual(["./bar.ts"]);
});

describe("words on how far a sweep is", () => {
  it("tell the time only where there is one", () => {
    const of = (change: Partial<Progress>) =>
      progressWords(told(1.24, 2.75, 9, change).progress as Progress);
    expect(of({})).toBe("1.2 of at most 2.8 runs");
    expect(of({ elapsed_s: 40, left_s: 75 })).toBe(
      "1.2 of at most 2.8 runs · 40 s so far · at most 1 min 15 s left",
    );
  });

  it("name the phase of one that runs, and how others stand", () => {
    expect(phaseWords(running, told(1, 2))).toBe("training plain, and probing levels");
    expect(phaseWords(running, null)).toBe("training");
    expect(phaseWords({ ...running, status: "paused" }, told(1, 2))).toBe("paused");
    expect(phaseWords({ ...running, status: "queued" }, told(1, 2))).toBe("not begun");
  });
});
