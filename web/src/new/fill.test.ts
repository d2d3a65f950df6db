import { describe, expect, it } from "vitest";
import type { SweepSpec } from "../api/types";
import { edit, fill, startingForm } from "./fill";
import { spell } from "./form";
import { specOf } from "./testing";

const sweep: SweepSpec = {
  name: "whole",
  recipe: {
    dataset: { name: "mnist", label_noise: 0.1, n_train: 900, n_val: 300, standardize: true },
    model: { kind: "cnn", channels: [8], kernel: 5, hidden: [], batch_norm: true },
    augment: { crop: 2, flip: true },
    optimizer: {
      kind: "adamw",
      lr: 0.001,
      beta_1: 0.8,
      beta_2: 0.99,
      epsilon: 1e-7,
      schedule: { kind: "step", every: 3, factor: 0.5, warmup: 2 },
    },
    batch_size: 20,
    epochs: 30,
  },
  search: {
    levels: { from: 0.001, to: 1, count: 4 },
    methods: [
      "flood",
      "iflood",
      { kind: "alternating", lr: [[0.1, 0.05]] },
      { kind: "gradient_penalty", lambda: [0.1, 0.2], rho: 0.1 },
    ],
    weight_decay: [0, 0.0001],
    seeds: [3, 4],
    objective: { metric: "val_error", at: "best" },
  },
  scheduler: { kind: "sha", eta: 4, first_rung: 5, priority: -3 },
};

describe("a past sweep in the form", () => {
  it("comes out as it went in", () => {
    const { form, lost } = fill(sweep);
    expect(lost).toEqual([]);
    expect(spell(form)).toEqual({ spec: sweep });
  });

  it("keeps a list of levels, and what it was pinned to aside", () => {
    const pinned = { ...sweep, recipe: { ...sweep.recipe }, search: { levels: [0.1, 0.3] } };
    pinned.recipe.dataset = { name: "beans", pin: { sha256: "0".repeat(64) } };
    const spelled = spell(fill(pinned).form);
    expect(spelled).toMatchObject({ spec: { search: { levels: [0.1, 0.3] } } });
    expect(JSON.stringify(spelled)).not.toContain("pin");
  });

  it("that says little stands for the defaults", () => {
    const little = { name: "digits", recipe: { dataset: { name: "digits" } } } as SweepSpec;
    expect(spell(fill(little).form)).toEqual({
      spec: specOf({ "/recipe/dataset/label_noise": "0" }),
    });
  });

  it("tells what the form can't hold", () => {
    const methods = [
      { kind: "gradient_penalty" as const, lambda: [0.1], rho: 0.1 },
      { kind: "gradient_penalty" as const, lambda: [0.2], rho: 0.3 },
    ];
    const { form, lost } = fill({ ...sweep, search: { methods } });
    expect(lost).toEqual(["rho 0.3 of gradient penalty, which has another before"]);
    expect(form["/search/methods/gradient_penalty/lambda"]).toBe("0.1, 0.2");
  });
});

describe("a change of kind", () => {
  const kind = "/recipe/model/kind";
  const hidden = "/recipe/model/hidden";

  it("brings the new kind's default to fields that nobody has changed", () => {
    expect(startingForm()[hidden]).toBe("128, 128");
    const cnn = edit(startingForm(), kind, "cnn");
    expect(cnn[hidden]).toBe("128");
    expect(edit(cnn, kind, "mlp")[hidden]).toBe("128, 128");
    const adam = edit(startingForm(), "/recipe/optimizer/kind", "adam");
    expect(adam["/recipe/optimizer/beta_1"]).toBe("0.9");
  });

  it("leaves alone what the reader has written", () => {
    const written = edit(startingForm(), hidden, "7");
    expect(edit(written, kind, "cnn")[hidden]).toBe("7");
  });
});

describe("another data set", () => {
  const dataset = "/recipe/dataset/name";
  const noise = "/recipe/dataset/label_noise";

  it("takes its own name, and no noise that was meant for the digits", () => {
    expect(startingForm()).toMatchObject({ "/name": "digits", [noise]: "0.2" });
    const own = edit(startingForm(), dataset, "beans");
    expect(own).toMatchObject({ "/name": "beans", [noise]: "0" });
    expect(edit(own, dataset, "peas")).toMatchObject({ "/name": "peas", [noise]: "0" });
    expect(edit(own, dataset, "digits")).toEqual(startingForm());
  });

  it("leaves alone what the reader has written", () => {
    const named = edit(edit(startingForm(), "/name", "mine"), noise, "0.1");
    const own = edit(named, dataset, "beans");
    expect(own).toMatchObject({ "/name": "mine", [noise]: "0.1" });
    expect(edit(own, dataset, "digits")).toMatchObject({ "/name": "mine", [noise]: "0.1" });
  });

  it("fills in a name where there is none", () => {
    const blank = edit(startingForm(), "/name", " ");
    expect(edit(blank, dataset, "beans")["/name"]).toBe("beans");
  });
});
