import { describe, expect, it } from "vitest";
import { smoothed } from "./smooth";

describe("smoothing", () => {
  it("is the mean of a value and its neighbours", () => {
    expect(smoothed([0, 3, 6, 0, 3], 3)).toEqual([0, 3, 3, 3, 3]);
  });

  it("takes as many neighbours on either side, fewer near an end", () => {
    const steep = [10, 0, 5, 0, 10, 0, 20];
    expect(smoothed(steep, 5)).toEqual([10, 5, 5, 3, 7, 10, 20]);
  });

  it("leaves a straight line as it is, ends included", () => {
    const line = Array.from({ length: 30 }, (_, i) => 2 * i + 1);
    smoothed(line, 9).forEach((value, i) => expect(value).toBeCloseTo(line[i] ?? NaN, 12));
  });

  it("doesn't reach over a gap, and leaves it a gap", () => {
    expect(smoothed([1, 2, 9, null, 100, 200, 300], 3)).toEqual([1, 4, 9, null, 100, 200, 300]);
    expect(smoothed([1, undefined, 3], 3)).toEqual([1, undefined, 3]);
  });

  it("of one epoch is the curve itself", () => {
    const values = [1, 5, 2];
    expect(smoothed(values, 1)).toBe(values);
    expect(smoothed([], 5)).toEqual([]);
  });
});
