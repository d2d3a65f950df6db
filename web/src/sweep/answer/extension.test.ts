import { describe, expect, it } from "vitest";
import type { Advice } from "../../api/types";
import { adviceOf, adviceWords, extensionOf } from "./extension";

const empty = { seeds: "", levels: "", epochs: "" };

describe("an extension", () => {
  it("holds what is written and no more", () => {
    expect(extensionOf({ ...empty, seeds: "2" }).more).toEqual({ seeds: 2 });
    expect(extensionOf({ seeds: "0", levels: " 0.25, 0.3;0.4 ", epochs: "200" }).more).toEqual({
      levels: [0.25, 0.3, 0.4],
      epochs: 200,
    });
  });

  it("of nothing, or of what are no numbers, is refused in words", () => {
    expect(extensionOf(empty)).toEqual({ more: null, problem: expect.stringContaining("more of") });
    for (const wrong of [
      { seeds: "two" },
      { seeds: "-1" },
      { levels: "0.1, x" },
      { epochs: "1.5" },
    ]) {
      const { more, problem } = extensionOf({ ...empty, ...wrong });
      expect(more, JSON.stringify(wrong)).toBeNull();
      expect(problem).not.toBe("");
    }
  });
});

describe("advice", () => {
  const advice: Advice = {
    kind: "more_seeds",
    seeds: 0,
    levels: [],
    epochs: null,
    command: "floodgauge extend …",
    words: "…",
  };

  it("is a button that says what it will do", () => {
    expect(adviceWords({ ...advice, seeds: 1 })).toBe("Try 1 more seed");
    expect(adviceWords({ ...advice, levels: [0.25, 0.3] })).toBe("Try levels 0.25, 0.3");
    expect(adviceWords({ ...advice, epochs: 200 })).toBe("Try 200 epochs");
  });

  it("asks for what it says", () => {
    expect(adviceOf({ ...advice, seeds: 2 })).toEqual({ seeds: 2 });
    expect(adviceOf({ ...advice, levels: [0.25], epochs: 200 })).toEqual({
      levels: [0.25],
      epochs: 200,
    });
  });
});
