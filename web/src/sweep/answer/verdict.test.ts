import { describe, expect, it } from "vitest";
import { sentencesOf, verdictOf } from "./verdict";

const verdict =
  "Flooding helps: flood b=0.3 has the lowest val_loss, 0.4123, 0.0103 below plain (0.4226). " +
  "With new seeds, it would differ from plain by −0.0150 to −0.0020. " +
  "13 levels were never reached and equal plain. It is the highest level of the grid.";

describe("a verdict", () => {
  it("is told as the server takes it apart", () => {
    const parts = {
      sentence: "flood b=0.3 has the lowest val_loss, 0.4123, 2.4 % below plain (0.4226).",
      points: ["13 levels were never reached and equal plain."],
      against: ["It is the highest level of the grid."],
    };
    const { sentence: answer, points, against } = parts;
    expect(verdictOf({ verdict, ...parts })).toEqual({ answer, points, against });
  });

  it("of an earlier release is one sentence, and the rest are points", () => {
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

  it("of a single sentence, or of none, has no points", () => {
    expect(sentencesOf("Nothing has been reported yet.")).toHaveLength(1);
    expect(verdictOf({ verdict: "" })).toEqual({ answer: "", points: [], against: [] });
  });
});
