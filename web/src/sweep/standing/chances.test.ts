import { expect, it } from "vitest";
import type { Best } from "../../api/types";
import { aBest, aDetail } from "../testing";
import { chancesOf } from "./chances";

const outlook = (
  arm: string,
  probability: number | null,
  weight_decay = 0,
): Best["probabilities"][number] => ({
  arm,
  method: "flood",
  b: null,
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
  const probabilities = [
    outlook("plain", 0.2),
    outlook("flood b=0.1", 0.5),
    outlook("flood b=0.1", 0.3, 0.001),
  ];
  const best = { ...aBest(), probabilities };
  expect([...chancesOf(best, aDetail(), 0)]).toEqual([
    [0, 0.2],
    [1, 0.5],
  ]);
  expect([...chancesOf(best, aDetail(), 0.001)]).toEqual([[1, 0.3]]);
});

it("one seed tells no chances, and neither does a sweep without an answer", () => {
  const probabilities = [outlook("plain", null), outlook("flood b=0.1", null)];
  expect(chancesOf({ ...aBest(), probabilities }, aDetail(), 0).size).toBe(0);
  expect(chancesOf(null, aDetail(), 0).size).toBe(0);
});
