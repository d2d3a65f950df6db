/** What a sweep is, in a line. */

import type { Model, SweepDetail } from "../api/types";
import { formatEpochs } from "../format";
import { decaysOf } from "./state";

/** `digits, label noise 0.2 · MLP 128-128 · sgd lr 0.05 · 100 epochs · 21 arms × 2 seeds · sha`. */
export function summaryWords(detail: SweepDetail): string {
  const { spec, dataset, epochs, scheduler, arms, seeds } = detail;
  const { recipe } = spec;
  const decays = decaysOf(detail).length;
  const factors = [
    `${arms} arms`,
    seeds > 1 ? `${seeds} seeds` : "",
    decays > 1 ? `${decays} weight decays` : "",
  ];
  const noise = recipe.dataset.label_noise;
  const model = recipe.model;
  return [
    dataset.replaceAll("_", " ") + (noise ? `, label noise ${noise}` : ""),
    model ? modelWords(model) : "",
    recipe.optimizer ? `${recipe.optimizer.kind} lr ${recipe.optimizer.lr}` : "",
    formatEpochs(epochs),
    factors.filter(Boolean).join(" × "),
    scheduler,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** `MLP 128-128`, `CNN 16-32 + 128`, `ResNet-20`. */
function modelWords(model: Model): string {
  switch (model.kind) {
    case "mlp":
      return model.hidden.length > 0 ? `MLP ${model.hidden.join("-")}` : "linear model";
    case "cnn": {
      // The server fills in what a sweep leaves out; the types know only what must be sent.
      const { channels = [], hidden = [] } = model;
      return `CNN ${channels.join("-")}${hidden.length > 0 ? ` + ${hidden.join("-")}` : ""}`;
    }
    case "resnet":
      return `ResNet-${model.depth}${model.width === 16 ? "" : `, width ${model.width}`}`;
  }
}
