import { expect, it } from "vitest";
import { armLabel, armName, armsByLevel, decayOf } from "./state";
import { aBest, aDetail } from "./testing";

it("a sweep opens on the weight decay with which the best arm is best", () => {
  const detail = {
    ...aDetail(),
    families: [
      { family: 0, seed: 0, weight_decay: 0.001 },
      { family: 1, seed: 1, weight_decay: 0.001 },
      { family: 2, seed: 0, weight_decay: 0.1 },
      { family: 3, seed: 1, weight_decay: 0.1 },
    ],
  };
  const best = aBest();
  const bestWith = (weight_decay: number) => ({
    ...best,
    best: best.best ? { ...best.best, weight_decay } : null,
  });
  expect(decayOf(detail, bestWith(0.1))).toBe(0.1);
  expect(decayOf(detail, bestWith(0.5))).toBe(0.001);
  expect(decayOf(detail, null)).toBe(0.001);
  expect(decayOf(undefined, best)).toBe(0);
});

it("arms are ordered by their levels, however they came to the sweep", () => {
  const arm = (arm: number, b: number | null, method = "flood") => ({
    arm,
    name: "",
    method,
    b,
    parameter: b,
  });
  const arms_list = [
    arm(0, null, "plain"),
    arm(1, 0.1),
    arm(2, 0.2),
    arm(3, null, "alternating"),
    arm(4, 0.15),
  ];
  expect(armsByLevel({ ...aDetail(), arms_list })).toEqual([0, 1, 4, 2, 3]);
});

it("arms are called by their method unless that is flooding", () => {
  const arms_list = [
    { arm: 0, name: "plain", method: "plain", b: null, parameter: null },
    { arm: 1, name: "flood b=0.1", method: "flood", b: 0.1, parameter: 0.1 },
    { arm: 2, name: "softad b=0.1", method: "softad", b: 0.1, parameter: 0.1 },
    {
      arm: 3,
      name: "alternating ε₁=0.1 ε₂=0.05",
      method: "alternating",
      b: null,
      parameter: [0.1, 0.05],
    },
    {
      arm: 4,
      name: "gradient_penalty λ=0.01",
      method: "gradient_penalty",
      b: null,
      parameter: 0.01,
    },
  ];
  expect(arms_list.map((arm) => armLabel(arm, 2))).toEqual([
    "plain",
    "0.10",
    "softad 0.10",
    "alternating ε₁=0.1 ε₂=0.05",
    "gradient_penalty λ=0.01",
  ]);
  expect(arms_list.map(({ arm }) => armName({ ...aDetail(), arms_list }, arm))).toEqual(
    arms_list.map(({ name }) => name),
  );
});
