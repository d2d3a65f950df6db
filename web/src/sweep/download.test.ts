import { expect, it } from "vitest";
import { fileName } from "./download";

it("a file is named after its sweep, without what file systems mind", () => {
  expect(fileName("digits", "grid.json")).toBe("digits-grid.json");
  expect(fileName("../Über 20% / λ", "curves.csv")).toBe("Über-20-λ-curves.csv");
  expect(fileName("…", "curves.csv")).toBe("sweep-curves.csv");
});
