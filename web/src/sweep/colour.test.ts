import { describe, expect, it } from "vitest";
import { colourAt, levelScale, neutral, otherColour, stops } from "./colour";

/** Relative luminance (WCAG 2) of an `rgb(r g b / a)` colour. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).slice(0, 3).map((part) => {
    const c = Number(part) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe.each(["light", "dark"] as const)("on a %s ground", (ground) => {
  it("tells methods without a level from plain, from all levels and from each other", () => {
    const parts = (colour: string) => (colour.match(/\d+/g) ?? []).slice(0, 3).map(Number);
    const apart = (a: string, b: string) =>
      Math.hypot(...parts(a).map((part, i) => part - (parts(b)[i] ?? 0)));
    const others = [0, 1, 2].map((i) => otherColour(i, ground));
    for (const [i, other] of others.entries()) {
      for (const known of [neutral(ground), ...stops(ground), ...others.slice(0, i)]) {
        expect(apart(other, known), `${other} and ${known}`).toBeGreaterThan(45);
      }
    }
  });

  it("gets brighter with every step", () => {
    const bright = stops(ground, 21).map(luminance);
    expect(bright).toEqual([...bright].sort((a, b) => a - b));
    expect(new Set(bright).size).toBe(21);
  });

  it("stays in its range", () => {
    expect(colourAt(-1, ground)).toBe(colourAt(0, ground));
    expect(colourAt(2, ground)).toBe(colourAt(1, ground));
  });
});

it("fades", () => {
  expect(colourAt(0.5, "light", 0.25)).toMatch(/ \/ 0\.25\)$/);
});

describe("the scale of levels", () => {
  it("is even over few decades", () => {
    const scale = levelScale([0.01, 0.2, 0.1]);
    expect(scale.log).toBe(false);
    expect(scale.place(0.01)).toBe(0);
    expect(scale.place(0.2)).toBe(1);
    expect(scale.place(0.105)).toBeCloseTo(0.5);
  });

  it("is logarithmic over many", () => {
    const scale = levelScale([0.001, 1]);
    expect(scale.log).toBe(true);
    expect(scale.place(Math.sqrt(0.001))).toBeCloseTo(0.5);
  });

  it("puts a single level, or none, in the middle", () => {
    expect(levelScale([0.1]).place(0.1)).toBe(0.5);
    expect(levelScale([]).place(0.1)).toBe(0.5);
  });
});
