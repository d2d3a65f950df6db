import { describe, expect, it } from "vitest";
import { evenTicks, logTicks, roomy, scaleOf, ticksOf } from "./ticks";

describe("a scale", () => {
  it("goes from its least value to its most", () => {
    const scale = scaleOf([0, 10], [100, 0]);
    expect([0, 5, 10].map(scale.at)).toEqual([100, 50, 0]);
  });

  it("may be logarithmic", () => {
    const scale = scaleOf([0.01, 1], [0, 200], true);
    expect(scale.at(0.1)).toBeCloseTo(100, 9);
  });

  it("of a single value puts it in the middle", () => {
    expect(scaleOf([3, 3], [0, 80]).at(3)).toBe(40);
  });
});

describe("ticks", () => {
  it("are round and within the range", () => {
    expect(evenTicks(0.01, 0.2, 5)).toEqual([0.05, 0.1, 0.15, 0.2]);
    expect(evenTicks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(evenTicks(-1, 1, 4)).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect(evenTicks(2, 2, 4)).toEqual([2]);
  });

  it("on a logarithmic scale are powers of ten, and others where these are few", () => {
    expect(logTicks(0.001, 10)).toEqual([0.001, 0.01, 0.1, 1, 10]);
    expect(logTicks(0.01, 1)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    expect(logTicks(3, 4)).toEqual([3, 4]);
    expect(ticksOf(scaleOf([1, 100], [0, 1], true), 5)).toEqual([1, 2, 5, 10, 20, 50, 100]);
  });
});

describe("a range with room", () => {
  it("surrounds its values, and begins at 0 where these begin near it", () => {
    expect(roomy([1, 2], 0.1)).toEqual([0.9, 2.1]);
    expect(roomy([0.05, 2])).toEqual([0, 2 + 1.95 * 0.06]);
  });

  it("has some width however few values there are", () => {
    expect(roomy([2])).toEqual([1.8, 2.2]);
    expect(roomy([])).toEqual([0, 1]);
  });
});
