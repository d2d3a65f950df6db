/** The names by which the page calls what the server answers. */

export type Metric = number | "diverged";
export type ObjectiveMetric = "val_loss" | "val_error";
export type At = "last" | "best";
export type SweepStatus = "queued" | "running" | "paused" | "completed" | "failed" | "cancelled";
export type TrialStatus =
  "dormant" | "active" | "pruned" | "completed" | "diverged" | "failed" | "cancelled";
export type SchedulerKind = "grid" | "sha";
export type DatasetName =
  "digits" | "two_gaussians" | "sinusoid" | "spiral" | "mnist" | "fashion_mnist" | "kmnist";

export type Levels =
  | number[]
  | { from: number; to: number; step: number }
  | { from: number; to: number; count: number };

export interface SweepSpec {
  name: string;
  recipe: {
    dataset: {
      name: DatasetName;
      label_noise?: number;
      n_train?: number | null;
      n_val?: number | null;
    };
    model?: { kind: "mlp"; hidden: number[]; batch_norm?: boolean };
    optimizer?:
      | { kind: "sgd"; lr: number; momentum?: number }
      | { kind: "adam"; lr: number; beta_1?: number; beta_2?: number; epsilon?: number };
    batch_size?: number;
    epochs?: number;
  };
  search?: {
    levels?: Levels;
    weight_decay?: number[];
    seeds?: number[];
    methods?: "flood"[];
    objective?: { metric?: ObjectiveMetric; at?: At };
  };
  scheduler?: {
    kind?: SchedulerKind;
    eta?: number | null;
    first_rung?: number | null;
    priority?: number;
  };
}

export interface TestMetrics {
  loss: Metric;
  error: Metric;
}

export interface RunEquivalents {
  spent: number;
  full_grid: number;
  saved_by_sharing: number;
  saved_by_pruning: number;
  redone: number;
}

export interface Best {
  metric: ObjectiveMetric;
  at: At;
  best: null | {
    arm: string;
    method: string;
    b?: number | null;
    weight_decay: number;
    objective: Metric;
    probability?: number | null;
    test?: TestMetrics | null;
  };
  baseline: null | { objective: Metric; test?: TestMetrics | null };
  difference: null | {
    mean: number;
    low?: number | null;
    high?: number | null;
    level: number;
    seeds: number;
  };
  run_equivalents: RunEquivalents;
  verdict: string;
}

export interface SweepSummary {
  id: string;
  name: string;
  status: SweepStatus;
  scheduler: SchedulerKind;
  created_at: string;
  updated_at: string;
  dataset: DatasetName;
  arms: number;
  seeds: number;
  epochs: number;
  metric: ObjectiveMetric;
  at: At;
  best?: Best | null;
}

export interface SweepList {
  items: SweepSummary[];
  next_cursor?: string | null;
}

export interface ArmItem {
  arm: number;
  name: string;
  method: string;
  b?: number | null;
}

export interface Family {
  family: number;
  seed: number;
  weight_decay: number;
}

export interface SweepDetail extends SweepSummary {
  spec: SweepSpec;
  arms_list: ArmItem[];
  families: Family[];
  steps_per_epoch: number;
  rungs: number[];
  seq: number;
  scheduler_version: number;
}

export interface TrialItem {
  id: string;
  family: number;
  arm: number;
  status: TrialStatus;
  epochs: number;
  onset_step?: number | null;
  objective?: Metric | null;
  reason?: string | null;
}

export interface TrialKey {
  family: number;
  arm: number;
}

export interface Branch {
  arms: number[];
  onset_step?: number | null;
}

export interface Segment {
  segment: number;
  family: number;
  kind: "train" | "test";
  from_step: number;
  to_step: number;
  branches: Branch[];
}

export interface ReportRow {
  arms: number[];
  epoch: number;
  step: number;
  train_loss: Metric;
  val_loss: Metric;
  val_error: Metric;
  onset_step?: number | null;
}

export interface FinishedBranch {
  arms: number[];
  end: "reached" | "stopped" | "diverged";
  step: number;
  onset_step?: number | null;
  test?: TestMetrics | null;
}

export type Event =
  | { type: "submitted"; spec: SweepSpec }
  | { type: "claimed"; segment: number; attempt: number; worker: string; fingerprint: string }
  | { type: "reported"; segment: number; attempt: number; rows: ReportRow[]; redone: number }
  | { type: "nondeterminism"; segment: number; attempt: number; rows: ReportRow[] }
  | { type: "finished"; segment: number; attempt: number; branches: FinishedBranch[] }
  | { type: "failed"; segment: number; attempt: number; message: string }
  | { type: "lost"; segment: number; attempt: number }
  | { type: "cancel_requested" };

export type Action =
  | { action: "enqueue"; segment: Segment }
  | { action: "retry"; segment: number }
  | { action: "withdraw"; segment: number }
  | { action: "stop"; segment: number; stop: { arms: number[]; at_epoch: number } }
  | { action: "promote"; trial: TrialKey; rung: number }
  | { action: "prune"; trial: TrialKey; rung: number }
  | { action: "end"; trial: TrialKey; end: "completed" | "diverged" | "failed" }
  | { action: "complete"; best: Best }
  | { action: "fail" }
  | { action: "cancel" };

export type Decision = Action & { reason: string };

export interface Entry {
  sweep: string;
  seq: number;
  at: string;
  event: Event;
  decisions: Decision[];
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string | null;
  errors?: { pointer: string; detail: string }[] | null;
}
