import { describe, expect, it } from "vitest";
import { anyRangeOf, choicesOf, choiceWords, pointers } from "./ranges";
import { errorsOf, formWith, specOf } from "./testing";
import { FIELDS, isShown } from "./table";

describe("the table of fields", () => {
  it("has a field for all that a sweep can say", () => {
    const fields = new Set<string>(FIELDS.map(({ at }) => at));
    // A list is one field, a choice's own pointer is that of its kind, methods go by name.
    const untold = pointers().filter((pointer) => {
      if (/\*$|\/\*\//.test(pointer)) return false;
      const kind = `${pointer}/kind`;
      return !fields.has(pointer) && !fields.has(kind) && pointer !== "/search/methods";
    });
    expect(untold).toEqual([]);
  });

  it("has no field of which the schema doesn't know", () => {
    const known = pointers();
    const unknown = FIELDS.filter(({ at, as }) => {
      if (as === "method" || at === "/search/levels/as") return false;
      return !known.includes(at.replace(/^\/search\/methods\/\w+\//, "/search/methods/*/"));
    });
    expect(unknown.map(({ at }) => at)).toEqual([]);
  });

  it("names the choices that the schema has", () => {
    const shown = (change: Record<string, string>) =>
      FIELDS.filter((field) => isShown(field, formWith(change))).map(({ at }) => at);
    expect(shown({})).toContain("/recipe/model/hidden");
    expect(shown({})).not.toContain("/recipe/model/depth");
    expect(shown({ "/recipe/model/kind": "resnet" })).toContain("/recipe/model/depth");
    expect(shown({ "/recipe/model/kind": "resnet" })).not.toContain("/recipe/model/hidden");
    expect(shown({ "/scheduler/kind": "grid" })).not.toContain("/scheduler/first_rung");
  });
});

describe("a form that spells a sweep", () => {
  it("starts with the digits and the server's defaults", () => {
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
        methods: ["flood"],
        weight_decay: [0],
        seeds: [0],
        objective: { metric: "val_loss", at: "last" },
      },
      scheduler: { kind: "halving" },
    });
  });

  it("reads lists by commas and spaces", () => {
    const spec = specOf({
      "/recipe/model/hidden": "256 64,  32",
      "/search/seeds": "0,1 2",
      "/search/weight_decay": "0, 1e-4",
    });
    expect(spec.recipe.model).toMatchObject({ hidden: [256, 64, 32] });
    expect(spec.search).toMatchObject({ seeds: [0, 1, 2], weight_decay: [0, 1e-4] });
  });

  it("asks to go on beyond the levels only where the scheduler can", () => {
    expect(specOf({ "/search/extend": "yes" }).search).toMatchObject({ extend: true });
    const grid = specOf({ "/search/extend": "yes", "/scheduler/kind": "grid" });
    expect(grid.search).not.toHaveProperty("extend");
  });

  it("makes a linear model of no hidden layers", () => {
    expect(specOf({ "/recipe/model/hidden": " " }).recipe.model).toMatchObject({ hidden: [] });
  });

  it("gives each model its own fields, with its own defaults", () => {
    const model = (kind: string) => specOf({ "/recipe/model/kind": kind }).recipe.model;
    expect(model("cnn")).toEqual({
      kind: "cnn",
      channels: [16, 32],
      kernel: 3,
      hidden: [128],
      batch_norm: false,
    });
    expect(model("resnet")).toEqual({ kind: "resnet", depth: 20, width: 16 });
  });

  it("gives each optimiser its own fields", () => {
    const adam = specOf({ "/recipe/optimizer/kind": "adam", "/recipe/optimizer/lr": "0.001" });
    expect(adam.recipe.optimizer).toEqual({
      kind: "adam",
      lr: 0.001,
      beta_1: 0.9,
      beta_2: 0.999,
      epsilon: 1e-8,
    });
  });

  it("gives each schedule its own fields, and says nothing of none", () => {
    const at = (field: string) => `/recipe/optimizer/schedule/${field}`;
    const schedule = (changes: Record<string, string>) =>
      specOf(changes).recipe.optimizer?.schedule;
    expect(schedule({})).toBeUndefined();
    expect(schedule({ [at("warmup")]: "5" })).toEqual({ kind: "constant", warmup: 5 });
    expect(schedule({ [at("kind")]: "step" })).toEqual({
      kind: "step",
      every: 30,
      factor: 0.1,
      warmup: 0,
    });
  });

  it("leaves out what is left empty", () => {
    const spec = specOf({ "/recipe/dataset/n_train": "500", "/recipe/dataset/n_val": "" });
    expect(spec.recipe.dataset).toEqual({ name: "digits", label_noise: 0.2, n_train: 500 });
  });

  it("changes images only where that is asked for", () => {
    expect(specOf({}).recipe.augment).toBeUndefined();
    const augment = specOf({ "/recipe/augment/flip": "yes" }).recipe.augment;
    expect(augment).toEqual({ crop: 0, flip: true });
  });

  it("writes levels in the way that is chosen", () => {
    const at = (field: string) => `/search/levels/${field}`;
    const levels = (changes: Record<string, string>) => specOf(changes).search?.levels;
    expect(levels({ [at("as")]: "list", "/search/levels": "0.1 0.2" })).toEqual([0.1, 0.2]);
    const log = { [at("as")]: "log", [at("from")]: "0.001", [at("to")]: "1", [at("count")]: "4" };
    expect(levels(log)).toEqual({ from: 0.001, to: 1, count: 4 });
  });

  it("spells the methods that are ticked, with their parameters", () => {
    const at = (field: string) => `/search/methods/${field}`;
    const methods = specOf({
      [at("flood")]: "",
      [at("softad")]: "yes",
      [at("alternating")]: "yes",
      [at("alternating/lr")]: "0.1/0.05, 0.2/0.1",
      [at("gradient_penalty")]: "yes",
      [at("gradient_penalty/lambda")]: "0.01 0.1",
    }).search?.methods;
    expect(methods).toEqual([
      "softad",
      {
        kind: "alternating",
        lr: [
          [0.1, 0.05],
          [0.2, 0.1],
        ],
      },
      { kind: "gradient_penalty", lambda: [0.01, 0.1], rho: 0.05 },
    ]);
  });

  it("has the settings of the chosen scheduler, as the server describes them", () => {
    const settings = ["/scheduler/eta", "/scheduler/first_rung", "/search/extend"];
    for (const kind of choicesOf("/scheduler/kind")) {
      const form = formWith({ "/scheduler/kind": kind });
      const shown = FIELDS.filter((field) => settings.includes(field.at) && isShown(field, form));
      const described = settings.filter((at) => anyRangeOf(at)?.schedulers?.includes(kind));
      expect(shown.map(({ at }) => at).toSorted()).toEqual(described.toSorted());
    }
    expect(choiceWords("/scheduler/kind")).toMatchObject({ halving: "halving after onset" });
  });

  it("gives a grid no rungs", () => {
    const scheduler = (kind: string) =>
      specOf({ "/scheduler/kind": kind, "/scheduler/eta": "4", "/scheduler/first_rung": "5" })
        .scheduler;
    expect(scheduler("grid")).toEqual({ kind: "grid" });
    expect(scheduler("halving")).toEqual({ kind: "halving", first_rung: 5 });
    for (const kind of ["sha", "asha", "hyperband"]) {
      expect(scheduler(kind)).toEqual({ kind, eta: 4, first_rung: 5 });
    }
  });
});

describe("a form that can't be read", () => {
  it("says which fields aren't numbers", () => {
    const changes = {
      "/recipe/optimizer/lr": "fast",
      "/recipe/epochs": "",
      "/recipe/batch_size": "1.5",
    };
    expect(errorsOf(changes)).toEqual({
      "/recipe/optimizer/lr": "“fast” is not a number",
      "/recipe/epochs": "a number is needed",
      "/recipe/batch_size": "“1.5” is not a whole number",
    });
  });

  it("refuses infinity, which JSON can't tell", () => {
    expect(errorsOf({ "/recipe/optimizer/lr": "1e999" })).toHaveProperty(["/recipe/optimizer/lr"]);
  });

  it("wants something in its lists", () => {
    const changes = {
      "/search/seeds": "",
      "/search/weight_decay": "",
      "/search/levels/as": "list",
      "/search/levels": "",
    };
    const needed = "at least one number is needed";
    expect(errorsOf(changes)).toEqual({
      "/search/seeds": needed,
      "/search/weight_decay": needed,
      "/search/levels": needed,
    });
  });

  it("wants rates in pairs", () => {
    const at = "/search/methods/alternating";
    expect(errorsOf({ [at]: "yes", [`${at}/lr`]: "0.1" })).toEqual({
      [`${at}/lr`]: "“0.1” is not a pair such as 0.1/0.05",
    });
  });

  it("doesn't mind fields that aren't shown", () => {
    const hidden = { "/recipe/optimizer/momentum": "x", "/recipe/optimizer/kind": "adam" };
    expect(errorsOf(hidden)).toEqual({});
    expect(errorsOf({ "/search/levels": "x" })).toEqual({});
  });
});
