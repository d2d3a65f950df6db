import { describe, expect, it } from "vitest";
import { sentencesOf, verdictOf } from "./verdict";

const verdict =
  "Flooding helps: flood b=0.3 has the lowest val_loss, 0.4123, 0.0103 below plain (0.4226). " +
  "With new seeds, it would differ from plain by −0.0150 to −0.0020. " +
  "13 levels were never reached and equal plain. It is the highest level of the grid.";

describe("a verdict", () => {
  it("is one sentence, and the rest are points", () => {
    expect(verdictOf({ verdict })).toEqual({
      answer:
        "Flooding helps: flood b=0.3 has the lowest val_loss, 0.4123, 0.0103 below plain (0.4226).",
      points: [
        "With new seeds, it would differ from plain by −0.0150 to −0.0020.",
        "13 levels were never reached and equal plain.",
        "It is the highest level of the grid.",
      ],
      against: [],
    });
  });

  it("tells once what speaks against it", () => {
    const against = ["It is the highest level of the grid.", "Plain was trained with one seed."];
    const told = verdictOf({ verdict, against });
    expect(told.against).toEqual(against);
    expect(told.points).toHaveLength(2);
  });

  it("of a single sentence, or of none, has no points", () => {
    expect(sentencesOf("Nothing has been reported yet.")).toHaveLength(1);
    expect(verdictOf({ verdict: "" })).toEqual({ answer: "", points: [], against: [] });
  });
});
