import { describe, expect, it, vi } from "vitest";
import type { Advice } from "../../api/types";

// Addresses are read off the window, which there is none of here.
vi.stubGlobal("window", { location: { hash: "" }, addEventListener: () => {} });
const { adviceCommand, adviceOf, adviceWords, extensionOf, faultsOf, newSweepHref } =
  await import("./extension");

const empty = { seeds: "", levels: "", epochs: "" };

describe("an extension", () => {
  it("holds what is written and no more", () => {
    expect(extensionOf({ ...empty, seeds: "2" }).more).toEqual({ seeds: 2 });
    expect(extensionOf({ seeds: "0", levels: " 0.25, 0.3;0.4 ", epochs: "200" }).more).toEqual({
      levels: [0.25, 0.3, 0.4],
      epochs: 200,
    });
  });

  it("of nothing, or of what are no numbers, is refused in words at its field", () => {
    expect(extensionOf(empty)).toEqual({
      more: null,
      faults: { all: "Enter seeds, levels or epochs to add." },
    });
    for (const wrong of [
      { seeds: "two" },
      { seeds: "-1" },
      { levels: "0.1, x" },
      { epochs: "1.5" },
    ]) {
      const { more, faults } = extensionOf({ ...empty, seeds: "1", ...wrong });
      expect(more, JSON.stringify(wrong)).toBeNull();
      expect(Object.keys(faults)).toEqual(Object.keys(wrong));
    }
  });

  it("that the server refuses is told at the fields that it names", () => {
    const problem = { type: "", title: "no", status: 422, detail: "1 field", errors: [] };
    const errors = [
      { pointer: "/levels/0", detail: "0.4 is there already" },
      { pointer: "/levels/2", detail: "-1 is below 0" },
      { pointer: "", detail: "too large" },
    ];
    expect(faultsOf({ ...problem, errors })).toEqual({
      levels: "0.4 is there already; -1 is below 0",
      all: "too large",
    });
    expect(faultsOf(problem)).toEqual({ all: "no: 1 field" });
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
    expect(adviceWords({ ...advice, levels: [0.5] })).toBe("Try level 0.5");
    expect(adviceWords({ ...advice, epochs: 200 })).toBe("Try 200 epochs");
  });

  it("names the sweep in its command", () => {
    const command = "floodgauge extend ID --seeds 2";
    expect(adviceCommand({ ...advice, command }, "0197")).toBe("floodgauge extend 0197 --seeds 2");
    const known = { ...advice, command: "floodgauge extend 0197 --seeds 2" };
    expect(adviceCommand(known, "0197")).toBe(known.command);
  });

  it("leads to a new sweep where this one can't be extended any more", () => {
    expect(newSweepHref(advice, "0197")).toBeNull();
    expect(newSweepHref({ ...advice, needs_new_sweep: true }, "0197")).toBe("#/new?from=0197");
  });

  it("asks for what it says", () => {
    expect(adviceOf({ ...advice, seeds: 2 })).toEqual({ seeds: 2 });
    expect(adviceOf({ ...advice, levels: [0.25], epochs: 200 })).toEqual({
      levels: [0.25],
      epochs: 200,
    });
  });
});
