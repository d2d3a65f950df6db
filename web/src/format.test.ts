import { describe, expect, it } from "vitest";
import {
  decimalsOf,
  formatBytes,
  formatChance,
  formatDifference,
  formatEpochs,
  formatLevel,
  formatLoss,
  formatMetric,
  formatPercent,
  formatRuns,
  formatTime,
  sentence,
} from "./format";
import { NATS, SHARE } from "./metrics";

describe("losses", () => {
  it("have four decimals where these say something", () => {
    expect(formatLoss(0.23149)).toBe("0.2315");
    expect(formatLoss(12)).toBe("12.0000");
    expect(formatLoss(0)).toBe("0.0000");
  });

  it("have powers of ten where four decimals would say nothing", () => {
    expect(formatLoss(0.0000123)).toBe("1.23e−5");
    expect(formatLoss(-0.0000123)).toBe("−1.23e−5");
    expect(formatLoss(123456)).toBe("1.23e5");
  });
});

describe("metrics", () => {
  it("tell errors in per cent and losses in nats", () => {
    expect(formatMetric(0.053, SHARE)).toBe("5.30 %");
    expect(formatMetric(0.231, NATS)).toBe("0.2310");
  });

  it("tell what diverged and what isn't there", () => {
    expect(formatMetric("diverged", NATS)).toBe("diverged");
    expect(formatMetric(null, NATS)).toBe("–");
    expect(formatMetric(undefined, NATS)).toBe("–");
  });

  it("tell differences with their sign", () => {
    expect(formatDifference(-0.07, NATS)).toBe("−0.0700");
    expect(formatDifference(0.07, NATS)).toBe("+0.0700");
    expect(formatDifference(-0.0125, SHARE)).toBe("−1.25 pp");
    expect(formatDifference(0, NATS)).toBe("0.0000");
  });
});

describe("levels", () => {
  it("are as short as they can be told, or share their decimals", () => {
    expect(formatLevel(0.1)).toBe("0.1");
    expect(formatLevel(0.1, 2)).toBe("0.10");
    expect(formatLevel(null, 2)).toBe("–");
  });

  it("need as many decimals as the finest has", () => {
    expect(decimalsOf([null, 0.01, 0.1, 1])).toBe(2);
    expect(decimalsOf([1, 2])).toBe(0);
    expect(decimalsOf([0.1, 1 / 3])).toBe(4);
    expect(decimalsOf([])).toBe(0);
  });

  it("have four digits at most", () => {
    expect(formatLevel(0.31622776602)).toBe("0.3162");
    expect(formatLevel(0.0031622776602)).toBe("0.003162");
    expect(formatLevel(1e-8)).toBe("1e-8");
  });

  it("have powers of ten where zeros alone would fill the line, as the names of arms do", () => {
    const levels = [0, 1e-5, 9.9e-6, 5e-324, 9_999_000, 1e7, 1.5e20, 1e300];
    const words = ["0", "0.00001", "9.9e-6", "5e-324", "9999000", "1e7", "1.5e20", "1e300"];
    expect(levels.map((level) => formatLevel(level))).toEqual(words);
    expect(decimalsOf([0.1, 1e300])).toBeUndefined();
  });

  it("share no decimals where some would get more digits than matter", () => {
    expect(decimalsOf([0.1, 0.31622776602, 1])).toBeUndefined();
    expect(decimalsOf([1e-8, 0.1])).toBeUndefined();
  });
});

it("one epoch is not several", () => {
  expect([1, 20].map(formatEpochs)).toEqual(["1 epoch", "20 epochs"]);
});

it("run-equivalents have one decimal", () => {
  expect(formatRuns(5.94)).toBe("5.9");
});

it("differences in per cent have a sign, and the digits that matter", () => {
  expect([-23.34, 2.44, 0, -9.97].map(formatPercent)).toEqual([
    "−23 %",
    "+2.4 %",
    "0.0 %",
    "−10 %",
  ]);
});

it("times that can't be read are no figures", () => {
  expect(formatTime("never")).toBe("–");
  expect(formatTime("2026-01-31T14:05:00Z")).toMatch(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$/);
});

describe("sizes", () => {
  it("have the unit that fits", () => {
    expect([0, 999, 1_000, 3_449_999, 2e9, 5e13].map(formatBytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "3.4 MB",
      "2.0 GB",
      "50000.0 GB",
    ]);
  });
});

describe("probabilities", () => {
  it("are 0 or 100 % only where that is certain", () => {
    expect([0, 0.004, 0.005, 0.414, 0.994, 0.995, 1].map(formatChance)).toEqual([
      "0 %",
      "<1 %",
      "1 %",
      "41 %",
      "99 %",
      ">99 %",
      "100 %",
    ]);
  });
});

describe("the server's words", () => {
  it("are a sentence, with one mark at its end", () => {
    expect(["it failed", "a loss was lost.", "why?", ""].map(sentence)).toEqual([
      "It failed.",
      "A loss was lost.",
      "Why?",
      "",
    ]);
  });
});
