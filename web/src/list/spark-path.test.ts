import { describe, expect, it } from "vitest";
import { HEIGHT, sparkPath, WIDTH } from "./spark-path";

describe("a sparkline", () => {
  it("is as wide as the run when the run is over", () => {
    const { path, end } = sparkPath({ epoch: [1, 2, 3], value: [4, 2, 1] }, 3);
    expect(path).toBe(`M3 3L${WIDTH / 2} ${HEIGHT / 2}L${WIDTH - 3} ${HEIGHT - 3}`);
    expect(end).toEqual([WIDTH - 3, HEIGHT - 3]);
  });

  it("ends where training is so far", () => {
    expect(sparkPath({ epoch: [1, 50], value: [1, 2] }, 99).end).toEqual([WIDTH / 2, 3]);
  });

  it("has a gap where a value diverged, and no end after it", () => {
    const { path, end } = sparkPath(
      { epoch: [1, 2, 3, 4], value: [2, "diverged", 1, "diverged"] },
      4,
    );
    expect(path.match(/M/g)).toHaveLength(2);
    expect(end).toBeNull();
  });

  it("takes zeros, which have no logarithm, and values that are all one", () => {
    expect(sparkPath({ epoch: [1, 2], value: [1, 0] }, 2).path).not.toContain("NaN");
    expect(sparkPath({ epoch: [1], value: [0.5] }, 1)).toEqual({
      path: `M3 ${HEIGHT / 2}`,
      end: [3, HEIGHT / 2],
    });
    expect(sparkPath({ epoch: [], value: [] }, 5)).toEqual({ path: "", end: null });
  });
});
