import { expect, it } from "vitest";

const SOURCES = import.meta.glob<string>("./**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** The modules of the page that a module names, types included. */
function importsOf(path: string): string[] {
  const from = path.split("/").slice(0, -1);
  const named = (SOURCES[path] ?? "").matchAll(/^(?:import|export|\}) [^"]*?"(\.[^"]+)";$/gm);
  return [...named].flatMap(([, to = ""]) => {
    const parts = [...from];
    for (const part of to.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== ".") parts.push(part);
    }
    const target = parts.join("/");
    return [`${target}.ts`, `${target}.tsx`].filter((each) => each in SOURCES);
  });
}

/** A way from a module back to itself, if there is one. */
function circleFrom(path: string, over: readonly string[] = []): readonly string[] | undefined {
  if (over.includes(path)) return [...over.slice(over.indexOf(path)), path];
  if (sound.has(path)) return undefined;
  for (const next of importsOf(path)) {
    const circle = circleFrom(next, [...over, path]);
    if (circle) return circle;
  }
  sound.add(path);
  return undefined;
}

/** Modules from which no circle can be reached. */
const sound = new Set<string>();

it("no module names itself by way of others", () => {
  expect(importsOf("./sweep/reducer.ts")).toContain("./sweep/draft.ts");
  const circles = Object.keys(SOURCES).flatMap((path) => {
    const circle = circleFrom(path);
    return circle ? [circle.join(" > ")] : [];
  });
  expect(circles).toEqual([]);
});
