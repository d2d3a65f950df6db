import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { hash: "" }, addEventListener: () => {} });
const { againHref, compareHref, parseRoute, sweepHref } = await import("./router");

describe("an address", () => {
  it("names a view", () => {
    expect(parseRoute("")).toEqual({ view: "list" });
    expect(parseRoute("#/")).toEqual({ view: "list" });
    expect(parseRoute("#/new")).toEqual({ view: "new", from: null });
    expect(parseRoute("#/new/?from=")).toEqual({ view: "new", from: "" });
    expect(parseRoute("#/sweeps/a%20b")).toEqual({ view: "sweep", id: "a b" });
    expect(parseRoute("#/compare/a,b,a")).toEqual({ view: "compare", ids: ["a", "b"] });
  });

  it("that leads nowhere is lost", () => {
    for (const hash of ["#/x", "#/sweeps", "#/sweeps/a/b", "#/compare/", "#/compare/,"]) {
      expect(parseRoute(hash)).toEqual({ view: "lost" });
    }
  });

  it("is read as it was written", () => {
    const odd = "a,b/c?d%";
    expect(parseRoute(sweepHref(odd))).toEqual({ view: "sweep", id: odd });
    expect(parseRoute(againHref(odd))).toEqual({ view: "new", from: odd });
    expect(parseRoute(compareHref([odd, "e"]))).toEqual({ view: "compare", ids: [odd, "e"] });
  });
});
