import { describe, expect, it } from "vitest";
import { anyRangeOf, choicesOf, choiceWords, rangeOf, rangeWords } from "./ranges";
import { formWith } from "./testing";

describe("what the server says of a field", () => {
  it("depends on the kinds that are chosen", () => {
    const adam = formWith({ "/recipe/optimizer/kind": "adam" });
    expect(rangeOf("/recipe/optimizer/beta_1", adam)).toMatchObject({ default: 0.9 });
    expect(rangeOf("/recipe/optimizer/beta_1", formWith({}))).toBeUndefined();
    expect(anyRangeOf("/recipe/optimizer/beta_1")).toMatchObject({ exclusiveMaximum: 1 });
  });

  it("has all choices, whichever is chosen", () => {
    expect(choicesOf("/recipe/model/kind")).toEqual(["mlp", "cnn", "resnet"]);
    expect(choicesOf("/recipe/optimizer/schedule/kind")).toEqual(["constant", "step", "cosine"]);
    expect(choicesOf("/recipe/epochs")).toEqual([]);
  });

  it("suggests the metrics that the built-in recipe compares, by their own names", () => {
    for (const at of ["/search/objective/metric", "/search/evidence"]) {
      expect(choiceWords(at)).toEqual({ val_loss: "val_loss", val_error: "val_error" });
    }
  });

  it("is told in words", () => {
    const words = (at: string) => rangeWords(anyRangeOf(at));
    expect(words("/recipe/epochs")).toBe("1 to 100\u202f000");
    expect(words("/recipe/optimizer/lr")).toBe("above 0");
    expect(words("/recipe/optimizer/momentum")).toBe("0 to below 1");
    expect(words("/recipe/model/hidden")).toBe("1 to 8\u202f192");
    expect(words("/scheduler/priority")).toBe("\u2212100 to 100");
    expect(words("/recipe/batch_size")).toBe("at least 1");
    expect(rangeWords({ maximum: 3 })).toBe("at most 3");
    expect(rangeWords({})).toBe("");
  });
});
