/** A large sweep as its log would tell it: 3 seeds × 21 arms × 500 epochs, a row an entry. */

const ID = "019b76da-a800-7000-8000-000000000000";
const SEEDS = [0, 1, 2];
const LEVELS = Array.from({ length: 20 }, (_, i) => (i + 1) / 100);
const EPOCHS = 500;
const STEPS_PER_EPOCH = 20;

const arms = [
  { arm: 0, name: "plain", method: "plain", b: null, parameter: null },
  ...LEVELS.map((b, i) => ({ arm: i + 1, name: `flood b=${b}`, method: "flood", b, parameter: b })),
];
const families = SEEDS.map((seed, family) => ({ family, seed, weight_decay: 0 }));

/** Deterministic noise in −0.5…0.5 (mulberry32). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 - 0.5;
  };
}

/** The epoch in which an arm departs from plain: the higher its level, the earlier. */
function onset(b: number): number {
  return Math.round(60 * (1 - Math.log(b / 0.2)));
}

function rowOf(arm: (typeof arms)[number], epoch: number, random: () => number) {
  const plain = 2 * Math.exp(-epoch / 60);
  const flooded = arm.b !== null && epoch >= onset(arm.b);
  const wobble = flooded ? 0.1 * random() : 0.02 * random();
  return {
    arms: [arm.arm],
    epoch,
    step: epoch * STEPS_PER_EPOCH,
    train_loss: (flooded ? (arm.b ?? 0) : plain) * (1 + wobble),
    metrics: {
      val_loss: 0.6 + plain + (epoch / EPOCHS) * (flooded ? 0.4 : 1.2) + wobble,
      val_error: 0.12 + 0.3 * Math.exp(-epoch / 40) + 0.1 * wobble,
      lr: 0.05,
    },
    onset_step: flooded ? onset(arm.b ?? 0) * STEPS_PER_EPOCH : null,
    diagnostics: { grad_norm: 0.5 + wobble, ascending: flooded ? 0.45 : 0, flooded_steps: epoch },
  };
}

const spec = {
  name: "3 seeds × 21 arms × 500 epochs",
  recipe: {
    dataset: { name: "digits", label_noise: 0.2, standardize: false },
    model: { kind: "mlp", hidden: [128, 128], batch_norm: false },
    optimizer: { kind: "sgd", lr: 0.05, momentum: 0.9 },
    batch_size: 50,
    epochs: EPOCHS,
  },
  search: { levels: LEVELS, seeds: SEEDS, weight_decay: [0], methods: ["flood"] },
  scheduler: { kind: "grid", priority: 0 },
};

const best = {
  metric: "val_loss",
  direction: "min",
  at: "last",
  best: null,
  baseline: null,
  difference: null,
  run_equivalents: {
    spent: 40,
    full_grid: 63,
    saved_by_sharing: 3,
    saved_by_pruning: 0,
    redone: 0,
  },
  finding: "pending",
  probabilities: [],
  other_metric: null,
  noise_floor: null,
  advice: null,
  verdict: "The sweep still runs.",
};

const detail = {
  id: ID,
  name: spec.name,
  status: "running",
  scheduler: "grid",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  dataset: "digits",
  arms: arms.length,
  seeds: SEEDS.length,
  epochs: EPOCHS,
  metric: "val_loss",
  at: "last",
  best: null,
  spec,
  arms_list: arms,
  families,
  metrics: [
    { name: "val_loss", direction: "min", unit: "nats" },
    { name: "val_error", direction: "min", unit: "share" },
    { name: "lr", direction: null, unit: null },
  ],
  steps_per_epoch: STEPS_PER_EPOCH,
  rungs: [EPOCHS],
  stages: [{ name: "training", counts: { of: "rung", rung: 0, ends_at: EPOCHS } }],
  seq: 0,
  scheduler_version: 1,
  replay_error: null,
  metric_unit: "nats",
  waits_for: null,
  waiting: null,
  progress: null,
};

const trials = families.flatMap(({ family, seed, weight_decay }) =>
  arms.map(({ arm, name, method, b, parameter }) => ({
    id: `${ID}.${family}.${arm}`,
    family,
    seed,
    weight_decay,
    arm,
    name,
    method,
    b,
    parameter,
    status: "active",
    epochs: 400,
    onset_step: null,
    objective: 1 + 0.01 * arm,
    reason: null,
    checkpoint: null,
  })),
);

/** The log: a segment a family, then a row an entry, epoch by epoch. */
export function entries(): string[] {
  const random = noise(1);
  const all: string[] = [];
  const put = (event: object, decisions: object[] = [], lines: object[] = []) => {
    const seq = all.length + 1;
    const at = new Date(Date.UTC(2026, 0, 1) + seq * 5).toISOString();
    all.push(JSON.stringify({ sweep: ID, seq, at, event, decisions, lines }));
  };
  const line = (kind: string, text: string) => ({
    kind,
    text,
    reason: "",
    tone: "plain",
    news: false,
    arms: arms.map(({ arm }) => arm),
  });
  const enqueue = families.map(({ family }) => ({
    action: "enqueue",
    reason: "to the end",
    segment: {
      segment: family,
      family,
      kind: "train",
      from_step: 0,
      to_step: EPOCHS * STEPS_PER_EPOCH,
      branches: [{ arms: arms.map(({ arm }) => arm), start: { from: "init" }, onset_step: null }],
    },
  }));
  const queued = families.map(({ family }) => line("queued", `segment ${family}: to the end`));
  put({ type: "submitted", spec }, enqueue, queued);
  for (const { family } of families) {
    const worker = `worker-${family + 1}`;
    const claimed = { segment: family, attempt: 1, worker, fingerprint: "bench flex" };
    put({ type: "claimed", ...claimed }, [], [line("claimed", `${worker} took segment ${family}`)]);
  }
  for (let epoch = 1; epoch <= EPOCHS; epoch += 1) {
    for (const { family } of families) {
      for (const arm of arms) {
        const rows = [rowOf(arm, epoch, random)];
        put({ type: "reported", segment: family, attempt: 1, redone: 0, rows });
      }
    }
  }
  return all;
}

/** What the server answers beside the stream, by path. */
export const answers: Record<string, object> = {
  [`/v1/sweeps/${ID}`]: detail,
  [`/v1/sweeps/${ID}/best`]: { sweep: ID, status: "running", ...best },
  [`/v1/sweeps/${ID}/trials`]: { items: trials },
};

export const stream = `/v1/sweeps/${ID}/events`;
export const hash = `#/sweeps/${ID}`;
