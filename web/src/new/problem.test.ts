import { describe, expect, it } from "vitest";
import { afterEdit, fieldOf as fieldIn, showProblem } from "./problem";
import type { Form } from "./ranges";
import { formWith } from "./testing";

const fieldOf = (pointer: string, form: Form = formWith({})) => fieldIn(pointer, form);

describe("a pointer", () => {
  it("names its field", () => {
    expect(fieldOf("/recipe/batch_size")).toBe("/recipe/batch_size");
    expect(fieldOf("/search/levels/from")).toBe("/search/levels/from");
  });

  it("into a list names the list's field", () => {
    expect(fieldOf("/recipe/model/hidden/1")).toBe("/recipe/model/hidden");
    expect(fieldOf("/search/weight_decay/0")).toBe("/search/weight_decay");
    expect(fieldOf("/search/levels/3")).toBe("/search/levels");
  });

  it("to what several fields fill in names their section", () => {
    expect(fieldOf("/search")).toBe("/search");
    expect(fieldOf("/recipe/augment")).toBe("/recipe/augment");
    expect(fieldOf("/recipe/model/depth")).toBe("/recipe/model");
  });

  it("to what has no field names none", () => {
    expect(fieldOf("")).toBeNull();
    expect(fieldOf("/nothing")).toBeNull();
  });

  it("into a method finds it by its place among those that are ticked", () => {
    const form = formWith({
      "/search/methods/flood": "",
      "/search/methods/alternating": "yes",
      "/search/methods/gradient_penalty": "yes",
    });
    expect(fieldOf("/search/methods/0/lr/1", form)).toBe("/search/methods/alternating/lr");
    expect(fieldOf("/search/methods/1/rho", form)).toBe("/search/methods/gradient_penalty/rho");
    expect(fieldOf("/search/methods/7", form)).toBe("/search/methods");
  });
});

describe("a problem", () => {
  const problem = {
    type: "urn:floodgauge:problem:invalid-sweep",
    title: "the sweep is invalid",
    status: 422,
    detail: "3 problems",
  };

  it("comes to its fields, the rest stands by itself", () => {
    const shown = showProblem(
      {
        ...problem,
        errors: [
          { pointer: "/recipe/model/hidden/0", detail: "width 0 is too small" },
          { pointer: "/recipe/model/hidden/1", detail: "width 9000 is too large" },
          { pointer: "/search", detail: "too many trials" },
          { pointer: "", detail: "not today" },
        ],
      },
      formWith({}),
    );
    expect([...shown.fields]).toEqual([
      ["/recipe/model/hidden", "width 0 is too small; width 9000 is too large"],
      ["/search", "too many trials"],
    ]);
    expect(shown.general).toEqual(["not today"]);
  });

  it("without fields is told in its own words", () => {
    expect(showProblem({ ...problem, errors: [] }, formWith({}))).toEqual({
      fields: new Map(),
      general: ["the sweep is invalid: 3 problems"],
    });
  });

  it("whose detail says all is told by that alone", () => {
    const gone = { ...problem, type: "urn:floodgauge:problem:not-found", detail: "no sweep 7" };
    expect(showProblem({ ...gone, errors: [] }, formWith({}))).toEqual({
      fields: new Map(),
      general: ["no sweep 7"],
    });
  });
});

describe("an edit", () => {
  const shown = {
    fields: new Map([
      ["/search/levels", "from 1 must not be above to 0.5"],
      ["/search/levels/step", "step must be above 0"],
      ["/search/seeds", "seeds must differ"],
    ]),
    general: ["too many trials"],
  };
  const after = (edited: string) => [...afterEdit(shown, edited).fields.keys()];

  it("takes its field's error away, and no other", () => {
    expect(after("/search/seeds")).toEqual(["/search/levels", "/search/levels/step"]);
    expect(after("/search/levels/step")).toEqual(["/search/seeds"]);
    expect(after("/search/levels/from")).toEqual(["/search/levels/step", "/search/seeds"]);
    expect(afterEdit(shown, "/search/seeds").general).toEqual(["too many trials"]);
  });

  it("of a choice takes away the errors of the fields that it replaces", () => {
    expect(after("/search/levels/as")).toEqual(["/search/seeds"]);
  });

  it("of a field without an error changes nothing", () => {
    expect(afterEdit(shown, "/name")).toBe(shown);
  });
});
