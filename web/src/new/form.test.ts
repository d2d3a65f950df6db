import { describe, expect, it } from "vitest";
import type { SweepSpec } from "../api/types";
import { DEFAULTS, spell, type Form } from "./form";
import { sizeWords } from "./size";

function specOf(change: Partial<Form>): SweepSpec {
  const spelled = spell({ ...DEFAULTS, ...change });
  if ("errors" in spelled) throw new Error(JSON.stringify([...spelled.errors]));
  return spelled.spec;
}

function errorsOf(change: Partial<Form>): Record<string, string> {
  const spelled = spell({ ...DEFAULTS, ...change });
  return "errors" in spelled ? Object.fromEntries(spelled.errors) : {};
}

describe("a form that spells a sweep", () => {
  it("starts with the digits", () => {
    expect(specOf({})).toEqual({
      name: "digits",
      recipe: {
        dataset: { name: "digits", label_noise: 0.2 },
        model: { kind: "mlp", hidden: [128, 128], batch_norm: false },
        optimizer: { kind: "sgd", lr: 0.05, momentum: 0.9 },
        batch_size: 50,
        epochs: 100,
      },
      search: {
        levels: { from: 0.01, to: 0.2, step: 0.01 },
        weight_decay: [0],
        seeds: [0],
        methods: ["flood"],
        objective: { metric: "val_loss", at: "last" },
      },
      scheduler: { kind: "halving" },
    });
  });

  it("reads lists by commas and spaces", () => {
    const spec = specOf({ hidden: "256 64,  32", seeds: "0,1 2", weightDecay: "0, 1e-4" });
    expect(spec.recipe.model).toMatchObject({ hidden: [256, 64, 32] });
    expect(spec.search).toMatchObject({ seeds: [0, 1, 2], weight_decay: [0, 1e-4] });
  });

  it("makes a linear model of no hidden layers", () => {
    expect(specOf({ hidden: " " }).recipe.model).toMatchObject({ hidden: [] });
  });

  it("leaves out what is left empty", () => {
    const spec = specOf({ nTrain: "500", nVal: "" });
    expect(spec.recipe.dataset).toEqual({ name: "digits", label_noise: 0.2, n_train: 500 });
  });

  it("writes levels in the way that is chosen", () => {
    const levels = (change: Partial<Form>) => specOf(change).search?.levels;
    expect(levels({ levelsAs: "list", list: "0.1 0.2" })).toEqual([0.1, 0.2]);
    expect(levels({ levelsAs: "log", from: "0.001", to: "1", count: "4" })).toEqual({
      from: 0.001,
      to: 1,
      count: 4,
    });
  });

  it("gives each optimiser its own fields", () => {
    expect(specOf({ optimizer: "adam", lr: "0.001" }).recipe.optimizer).toEqual({
      kind: "adam",
      lr: 0.001,
      beta_1: 0.9,
      beta_2: 0.999,
      epsilon: 1e-8,
    });
  });

  it("gives a grid no rungs", () => {
    expect(specOf({ scheduler: "grid", eta: "3", firstRung: "5" }).scheduler).toEqual({
      kind: "grid",
    });
    expect(specOf({ eta: "4", firstRung: "5" }).scheduler).toEqual({
      kind: "halving",
      first_rung: 5,
    });
    expect(specOf({ scheduler: "sha", eta: "4", firstRung: "5" }).scheduler).toEqual({
      kind: "sha",
      eta: 4,
      first_rung: 5,
    });
  });
});

describe("a form that can't be read", () => {
  it("says which fields aren't numbers", () => {
    expect(errorsOf({ lr: "fast", epochs: "", batchSize: "1.5" })).toEqual({
      "/recipe/optimizer/lr": "“fast” is not a number",
      "/recipe/epochs": "a number is needed",
      "/recipe/batch_size": "“1.5” is not a whole number",
    });
  });

  it("refuses infinity, which JSON can't tell", () => {
    expect(errorsOf({ lr: "1e999" })).toHaveProperty(["/recipe/optimizer/lr"]);
  });

  it("wants something in its lists", () => {
    expect(errorsOf({ seeds: "", weightDecay: "", levelsAs: "list", list: "" })).toEqual({
      "/search/seeds": "at least one number is needed",
      "/search/weight_decay": "at least one number is needed",
      "/search/levels": "at least one number is needed",
    });
  });

  it("doesn't mind fields that aren't shown", () => {
    expect(errorsOf({ momentum: "x", optimizer: "adam" })).toEqual({});
    expect(errorsOf({ list: "x" })).toEqual({});
  });
});

describe("the size of a sweep", () => {
  it("counts the runs of the full grid", () => {
    expect(sizeWords(DEFAULTS)).toBe(
      "20 levels and plain × 1 seed: the full grid takes 21 runs of 100 epochs.",
    );
    expect(sizeWords({ ...DEFAULTS, seeds: "0 1", weightDecay: "0 0.1 1" })).toContain("126 runs");
  });

  it("says nothing of what can't be read or makes no sense", () => {
    expect(sizeWords({ ...DEFAULTS, from: "x" })).toBe("");
    expect(sizeWords({ ...DEFAULTS, step: "0" })).toBe("");
    expect(sizeWords({ ...DEFAULTS, from: "1", to: "0.5" })).toBe("");
  });
});
