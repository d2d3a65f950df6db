import { describe, expect, it } from "vitest";
import { boundOf } from "./bound";

describe("a figure's bound", () => {
  it("leaves out a run that went astray, and nothing that the others come near", () => {
    const usual = [2.4, 2.1, 2.2, 2.9, 2.3];
    const bound = boundOf([...usual, 3e34]);
    expect(bound).toBeGreaterThan(2.9);
    expect(bound).toBeLessThan(6);
  });

  it("is none for a few values, or for values that are the same", () => {
    expect(boundOf([1, 2, 3, 3e34])).toBe(Infinity);
    expect(boundOf([])).toBe(Infinity);
    expect(boundOf([2, 2, 2, 2, 2, 2, 9])).toBe(Infinity);
  });
});
