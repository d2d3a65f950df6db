import { expect, it } from "vitest";
import type { Best } from "../../api/types";
import { aBest } from "../testing";
import { chancesOf } from "./chances";

const outlook = (
  arm: number,
  probability: number | null,
  weight_decay = 0,
): Best["probabilities"][number] => ({
  arm,
  // What it is called joins nothing.
  name: "an arm",
  method: "flood",
  b: null,
  parameter: null,
  weight_decay,
  evidence: "trained",
  seeds: 2,
  objective: null,
  fitted: null,
  low: null,
  high: null,
  probability,
});

it("the chances are those of the arms with the weight decay that is looked at", () => {
  const probabilities = [outlook(0, 0.2), outlook(1, 0.5), outlook(1, 0.3, 0.001)];
  const best = { ...aBest(), probabilities };
  expect([...chancesOf(best, 0)]).toEqual([
    [0, 0.2],
    [1, 0.5],
  ]);
  expect([...chancesOf(best, 0.001)]).toEqual([[1, 0.3]]);
});

it("one seed tells no chances, and neither does a sweep without an answer", () => {
  const probabilities = [outlook(0, null), outlook(1, null)];
  expect(chancesOf({ ...aBest(), probabilities }, 0).size).toBe(0);
  expect(chancesOf(null, 0).size).toBe(0);
});
