import { describe, expect, it } from "vitest";
import openapi from "../openapi.json";
import base from "./styles/base.css?raw";
import parts from "./styles/parts.css?raw";
import { FindingChip, FINDINGS, foundIn, namesArm } from "./finding";

describe("the chip of a finding", () => {
  it("says what the server says of it, in the terminal too", () => {
    const { enum: names, "x-enum-descriptions": words } = openapi.components.schemas.Finding;
    const said = Object.fromEntries(names.map((name, i) => [name, words[i]]));
    const shown = Object.entries(FINDINGS).map(([name, chip]) => [name, chip.words]);
    expect(Object.fromEntries(shown)).toEqual(said);
  });

  it("has words of its own for each", () => {
    const words = Object.values(FINDINGS).map((each) => each.words);
    expect(words).toContain("too close to tell");
    expect(new Set(words).size).toBe(words.length);
    for (const each of words) expect(each).toMatch(/^[a-z][a-z ]+$/);
  });

  it("isn't there where nothing is found, or something that this page doesn't know", () => {
    for (const name of [null, undefined, "", "of_a_newer_server", "toString"]) {
      expect(foundIn(name)).toBeNull();
      expect(FindingChip({ of: name })).toBeNull();
    }
    expect(foundIn("helps")).toBe("helps");
  });

  it("names a best arm but where training failed: among runs that learned nothing, one is best by chance", () => {
    const without = Object.keys(FINDINGS).filter((name) => !namesArm(name));
    expect(without).toEqual(["training_failed"]);
    expect(namesArm(null)).toBe(true);
  });

  it.each(["light", "dark"] as const)("can be read on a %s ground", (ground) => {
    for (const tone of new Set(Object.values(FINDINGS).map((each) => each.tone))) {
      const rule = new RegExp(`\\.finding\\[data-tone="${tone}"\\] \\{([^}]*)\\}`).exec(parts)?.[1];
      const [ink, wash] = ["color", "background"].map((property) => {
        const name = new RegExp(`(?:^|\\s)${property}: var\\((--[a-z-]+)\\)`).exec(rule ?? "")?.[1];
        return colourOf(name ?? "", ground);
      });
      expect(contrast(ink ?? "", wash ?? ""), tone).toBeGreaterThanOrEqual(4.5);
    }
  });
});

/** A colour of the page by its name. */
function colourOf(name: string, ground: "light" | "dark"): string {
  const [, light, dark] =
    new RegExp(`${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(base) ?? [];
  return (ground === "light" ? light : dark) ?? "";
}

/** The contrast of two colours (WCAG 2.2, 1.4.3). */
function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [r = NaN, g = NaN, b = NaN] = [1, 3, 5].map((at) => {
    const c = parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
