import { describe, expect, it } from "vitest";
import { csv, fileName } from "./save";

describe("a file's name", () => {
  it("holds the letters and figures of a name, whatever else is in it", () => {
    expect(fileName("digits, 20 % noise", "curves.csv")).toBe("digits-20-noise-curves.csv");
    expect(fileName("../Ünïcode/試験", "grid.json")).toBe("Ünïcode-試験-grid.json");
    expect(fileName("///", "grid.json")).toBe("sweep-grid.json");
  });
});

describe("a CSV file", () => {
  it("quotes what would be read otherwise", async () => {
    const file = csv([
      ["arm", "b"],
      ['plain, or "none"', null],
      ["flood b=0.1", 0.1],
    ]);
    expect(await file.text()).toBe('arm,b\r\n"plain, or ""none""",\r\nflood b=0.1,0.1\r\n');
  });
});
