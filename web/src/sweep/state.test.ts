import { expect, it } from "vitest";
import { familyOf, initialState, sharedReason } from "./state";
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

it("a reason that all trials share can be told once", () => {
  const trials = initialState(aDetail()).trials[0] ?? [];
  const because = (reason: string) => trials.map((trial) => ({ ...trial, reason }));
  expect(sharedReason(because("no such file"))).toBe("no such file");
  expect(sharedReason([...because("no such file"), ...because("other")])).toBe("");
  expect(sharedReason(because("alone").slice(0, 1))).toBe("");
  expect(sharedReason([])).toBe("");
});
