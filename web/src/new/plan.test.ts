import type { ComponentChildren, VNode } from "preact";
import { describe, expect, it } from "vitest";
import type { SweepPlan } from "../api/types";
import { PlanView } from "./plan";
import { Planner } from "./planner";

function isNode(of: ComponentChildren): of is VNode<{ children?: ComponentChildren }> {
  return typeof of === "object" && of !== null && "props" in of;
}

/** The words of a view, each element's in brackets of its kind. */
function wordsOf(of: ComponentChildren): string {
  if (Array.isArray(of)) return of.map((each) => wordsOf(each as ComponentChildren)).join("");
  if (!isNode(of)) return typeof of === "string" || typeof of === "number" ? String(of) : "";
  const { type, props } = of;
  if (typeof type !== "function") return `<${type}>${wordsOf(props.children)}</${type}>`;
  return wordsOf((type as (props: object) => ComponentChildren)(props));
}

const cost: Pick<SweepPlan, "run_equivalents" | "time"> = {
  run_equivalents: { low: 1, high: 2.6, full_grid: 21, phases: [] },
  time: null,
};

function shown(warnings: string[]): string {
  const planner = new Planner();
  planner.plan.value = { ...cost, warnings } as SweepPlan;
  return wordsOf(PlanView({ planner }));
}

describe("the plan of a sweep", () => {
  it("says what is likely to go wrong before what it costs", () => {
    const words = shown(["Features are large.", "Labels carry no signal."]);
    const warnings = "<ul><li>Features are large.</li><li>Labels carry no signal.</li></ul>";
    expect(words).toContain(warnings);
    expect(words.indexOf(warnings)).toBeLessThan(words.indexOf("run-equivalents"));
  });

  it("warns of nothing where nothing is likely to", () => {
    expect(shown([])).toContain("run-equivalents");
    expect(shown([])).not.toContain("<ul>");
  });
});
