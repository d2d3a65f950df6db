import { describe, expect, it } from "vitest";
import { aDetail } from "../testing";
import { chartMetrics, firstShown } from "./metrics";

const names = (metrics: readonly { name: string }[]) => metrics.map(({ name }) => name);

describe("what the chart can show", () => {
  it("is every metric that there is, and the gradient", () => {
    const rate = { name: "lr", direction: null, unit: null };
    const detail = { ...aDetail(), metrics: [...aDetail().metrics, rate] };
    expect(names(chartMetrics(detail))).toEqual(["val_loss", "val_error", "lr", "grad_norm"]);
    expect(chartMetrics(detail)[2]).toMatchObject({ isCompared: false, isLoss: false });
  });

  it("has the training loss by itself where no metric is a loss", () => {
    const f1 = { name: "f1", direction: "max" as const, unit: null };
    expect(names(chartMetrics({ metrics: [f1] }))).toEqual(["f1", "train_loss", "grad_norm"]);
  });

  it("begins with what the sweep compares", () => {
    expect(firstShown({ ...aDetail(), metric: "val_error" }).name).toBe("val_error");
  });
});
