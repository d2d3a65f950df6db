import { expect, it } from "vitest";
import { armLabel, armName, familyOf, initialState, sharedReason } from "./state";
import { aBest, aDetail } from "./testing";

it("a sweep opens on the first seed with the best arm's weight decay", () => {
  const detail = {
    ...aDetail(),
    families: [
      { family: 0, seed: 0, weight_decay: 0 },
      { family: 1, seed: 1, weight_decay: 0 },
      { family: 2, seed: 0, weight_decay: 0.1 },
      { family: 3, seed: 1, weight_decay: 0.1 },
    ],
  };
  const best = aBest();
  expect(familyOf(detail, best)).toBe(0);
  expect(
    familyOf(detail, { ...best, best: best.best ? { ...best.best, weight_decay: 0.1 } : null }),
  ).toBe(2);
  expect(familyOf(detail, null)).toBe(0);
  expect(familyOf(undefined, best)).toBe(0);
});

it("arms are called by their method unless that is flooding", () => {
  const arms_list = [
    { arm: 0, name: "plain", method: "plain", b: null },
    { arm: 1, name: "flood b=0.1", method: "flood", b: 0.1 },
    { arm: 2, name: "softad b=0.1", method: "softad", b: 0.1 },
    { arm: 3, name: "alternating ε₁=0.1 ε₂=0.05", method: "alternating", b: null },
    { arm: 4, name: "gradient_penalty λ=0.01", method: "gradient_penalty", b: null },
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

it("a reason that all trials share can be told once", () => {
  const trials = initialState(aDetail()).trials[0] ?? [];
  const because = (reason: string) => trials.map((trial) => ({ ...trial, reason }));
  expect(sharedReason(because("no such file"))).toBe("no such file");
  expect(sharedReason([...because("no such file"), ...because("other")])).toBe("");
  expect(sharedReason(because("alone").slice(0, 1))).toBe("");
  expect(sharedReason([])).toBe("");
});
