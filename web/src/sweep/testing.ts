/** Small things for tests of a sweep: two families (seeds 0 and 1), plain and two levels. */

import type { Best, Metric, ReportRow, Segment, SweepDetail } from "../api/types";

export function aDetail(): SweepDetail {
  return {
    id: "019b76da-a800-7000-8000-000000000000",
    name: "small",
    status: "queued",
    scheduler: "sha",
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    dataset: "digits",
    arms: 3,
    seeds: 2,
    epochs: 4,
    metric: "val_loss",
    at: "last",
    best: null,
    finding: null,
    replay_error: null,
    end_reason: null,
    metric_unit: "nats",
    spec: {
      name: "small",
      recipe: { dataset: { name: "digits", label_noise: 0 }, batch_size: 50, epochs: 4 },
      search: { levels: [0.1, 0.2], seeds: [0, 1] },
      scheduler: { kind: "sha" },
    },
    arms_list: [
      { arm: 0, name: "plain", method: "plain", b: null, parameter: null },
      { arm: 1, name: "flood b=0.1", method: "flood", b: 0.1, parameter: 0.1 },
      { arm: 2, name: "flood b=0.2", method: "flood", b: 0.2, parameter: 0.2 },
    ],
    families: [
      { family: 0, seed: 0, weight_decay: 0 },
      { family: 1, seed: 1, weight_decay: 0 },
    ],
    metrics: [
      { name: "val_loss", direction: "min", unit: "nats" },
      { name: "val_error", direction: "min", unit: "share" },
    ],
    steps_per_epoch: 20,
    rungs: [2, 4],
    stages: [
      { name: "rung 1 of 2", counts: { of: "rung", rung: 0, ends_at: 2 } },
      { name: "rung 2 of 2", counts: { of: "rung", rung: 1, ends_at: 4 } },
    ],
    seq: 0,
    scheduler_version: 1,
    waits_for: null,
    waiting: null,
    progress: null,
    troubled_workers: [],
  };
}

export function aSegment(of: { segment: number; family: number; arms: number[][] }): Segment {
  return {
    segment: of.segment,
    family: of.family,
    kind: "train",
    from_step: 0,
    to_step: 40,
    branches: of.arms.map((arms) => ({ arms, start: { from: "init" }, onset_step: null })),
  };
}

export function aRow(arms: number[], epoch: number, valLoss: Metric): ReportRow {
  return {
    arms,
    epoch,
    step: epoch * 20,
    train_loss: 1,
    metrics: { val_loss: valLoss, val_error: 0.5 },
    onset_step: null,
  };
}

export function aBest(): Best {
  return {
    metric: "val_loss",
    direction: "min",
    at: "last",
    best: {
      arm: 1,
      name: "flood b=0.1",
      method: "flood",
      b: 0.1,
      parameter: 0.1,
      weight_decay: 0,
      objective: 0.7,
      probability: null,
      test: null,
    },
    baseline: { objective: 0.8, test: null },
    difference: { mean: -0.1, expected: null, low: null, high: null, level: 0.9, seeds: 1 },
    run_equivalents: {
      spent: 2,
      full_grid: 6,
      saved_by_sharing: 0,
      saved_by_pruning: 4,
      redone: 0,
      left_behind: 0,
    },
    finding: "one_seed",
    probabilities: [],
    other_metric: null,
    noise_floor: null,
    advice: null,
    size_percent: -12.5,
    sentence: "flood b=0.1 ends 0.1 below plain",
    points: [],
    against: [],
    verdict: "flood b=0.1 ends 0.1 below plain",
    before_extension: false,
  };
}
