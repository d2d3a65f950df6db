import { describe, expect, it } from "vitest";
import type { DatasetItem } from "../api/types";
import { datasetHint, datasetOptions } from "./datasets";

function set(name: string, change: Partial<DatasetItem>): DatasetItem {
  return {
    name,
    kind: "built_in",
    ready: true,
    missing: [],
    damage: null,
    features: 64,
    image: { channels: 1, height: 8, width: 8 },
    classes: 10,
    most_samples: 1697,
    n_train: 1000,
    n_val: 397,
    kept: null,
    sweeps: null,
    scales: null,
    ...change,
  };
}

const SETS = [
  set("digits", {}),
  set("mnist", { kind: "files", ready: false, missing: ["mnist/a.gz", "mnist/b.gz"] }),
  set("cifar10", { kind: "files", image: { channels: 3, height: 32, width: 32 } }),
  set("beans", { kind: "uploaded", image: null, features: 7, classes: 3 }),
];

describe("the data sets of the form", () => {
  it("offers uploaded sets first and those without files last", () => {
    expect(datasetOptions(SETS, "digits")).toEqual([
      ["beans", "beans (uploaded)"],
      ["digits", "digits (built in)"],
      ["cifar10", "CIFAR-10 (data folder)"],
      ["mnist", "MNIST (files are missing)"],
    ]);
  });

  it("keeps a chosen set that the list doesn't hold", () => {
    expect(datasetOptions([], "digits")).toEqual([["digits", "digits"]]);
  });

  it("tells the size of a set, or what it lacks", () => {
    expect(SETS.map(datasetHint)).toEqual([
      "8 × 8 images, 10 classes",
      "the server's data folder lacks mnist/a.gz, mnist/b.gz",
      "3 × 32 × 32 images, 10 classes",
      "7 features, 3 classes",
    ]);
    expect(datasetHint(undefined)).toBe("");
  });

  it("tells that a set is damaged on the server, and what mends it", () => {
    const lost = set("peas", { kind: "uploaded", ready: false, damage: "its bytes are lost" });
    expect(datasetOptions([lost], "peas")).toEqual([["peas", "peas (damaged)"]]);
    expect(datasetHint(lost)).toBe("damaged: its bytes are lost; add the same file again");
  });
});
