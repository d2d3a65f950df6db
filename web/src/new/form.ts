/** The form of a new sweep as people fill it in, and the sweep that it spells. */

import type { At, DatasetName, ObjectiveMetric, SchedulerKind, SweepSpec } from "../api/types";

/** The fields as text, the choices as themselves. */
export interface Form {
  name: string;
  dataset: DatasetName;
  standardize: boolean;
  labelNoise: string;
  nTrain: string;
  nVal: string;
  hidden: string;
  batchNorm: boolean;
  optimizer: "sgd" | "adam";
  lr: string;
  momentum: string;
  beta1: string;
  beta2: string;
  epsilon: string;
  batchSize: string;
  epochs: string;
  levelsAs: "range" | "log" | "list";
  from: string;
  to: string;
  step: string;
  count: string;
  list: string;
  weightDecay: string;
  seeds: string;
  metric: ObjectiveMetric;
  at: At;
  scheduler: SchedulerKind;
  eta: string;
  firstRung: string;
}

/** A sweep over the built-in digits that takes a minute or two. */
export const DEFAULTS: Form = {
  name: "digits",
  dataset: "digits",
  standardize: false,
  labelNoise: "0.2",
  nTrain: "",
  nVal: "",
  hidden: "128, 128",
  batchNorm: false,
  optimizer: "sgd",
  lr: "0.05",
  momentum: "0.9",
  beta1: "0.9",
  beta2: "0.999",
  epsilon: "1e-8",
  batchSize: "50",
  epochs: "100",
  levelsAs: "range",
  from: "0.01",
  to: "0.20",
  step: "0.01",
  count: "10",
  list: "0.01, 0.02, 0.05, 0.1, 0.2",
  weightDecay: "0",
  seeds: "0",
  metric: "val_loss",
  at: "last",
  scheduler: "halving",
  eta: "",
  firstRung: "",
};

/** What is wrong, by the JSON pointer of the field. */
export type FieldErrors = ReadonlyMap<string, string>;

/** A sweep, or what can't be read as one. */
export type Spelled = { spec: SweepSpec } | { errors: FieldErrors };

/** Reads the form. Only what isn't a number is refused here; bounds are the server's to check. */
export function spell(form: Form): Spelled {
  const errors = new Map<string, string>();
  const read = new Reader(errors);
  const dataset: SweepSpec["recipe"]["dataset"] = {
    name: form.dataset,
    label_noise: read.number(form.labelNoise, "/recipe/dataset/label_noise"),
  };
  const nTrain = read.optionalWhole(form.nTrain, "/recipe/dataset/n_train");
  const nVal = read.optionalWhole(form.nVal, "/recipe/dataset/n_val");
  if (nTrain !== undefined) dataset.n_train = nTrain;
  if (nVal !== undefined) dataset.n_val = nVal;
  if (form.standardize) dataset.standardize = true;

  const scheduler: NonNullable<SweepSpec["scheduler"]> = { kind: form.scheduler };
  if (form.scheduler !== "grid") {
    const eta =
      form.scheduler === "sha" ? read.optionalWhole(form.eta, "/scheduler/eta") : undefined;
    const firstRung = read.optionalWhole(form.firstRung, "/scheduler/first_rung");
    if (eta !== undefined) scheduler.eta = eta;
    if (firstRung !== undefined) scheduler.first_rung = firstRung;
  }

  const spec: SweepSpec = {
    name: form.name.trim(),
    recipe: {
      dataset,
      model: {
        kind: "mlp",
        hidden: read.wholes(form.hidden, "/recipe/model/hidden", { mayBeEmpty: true }),
        batch_norm: form.batchNorm,
      },
      optimizer: optimizerOf(form, read),
      batch_size: read.whole(form.batchSize, "/recipe/batch_size"),
      epochs: read.whole(form.epochs, "/recipe/epochs"),
    },
    search: {
      levels: levelsOf(form, read),
      weight_decay: read.numbers(form.weightDecay, "/search/weight_decay"),
      seeds: read.wholes(form.seeds, "/search/seeds"),
      methods: ["flood"],
      objective: { metric: form.metric, at: form.at },
    },
    scheduler,
  };
  return errors.size > 0 ? { errors } : { spec };
}

function optimizerOf(form: Form, read: Reader): NonNullable<SweepSpec["recipe"]["optimizer"]> {
  const at = (field: string) => `/recipe/optimizer/${field}`;
  const lr = read.number(form.lr, at("lr"));
  if (form.optimizer === "sgd") {
    return { kind: "sgd", lr, momentum: read.number(form.momentum, at("momentum")) };
  }
  return {
    kind: "adam",
    lr,
    beta_1: read.number(form.beta1, at("beta_1")),
    beta_2: read.number(form.beta2, at("beta_2")),
    epsilon: read.number(form.epsilon, at("epsilon")),
  };
}

function levelsOf(
  form: Form,
  read: Reader,
): NonNullable<NonNullable<SweepSpec["search"]>["levels"]> {
  const at = (field: string) => `/search/levels/${field}`;
  if (form.levelsAs === "list") return read.numbers(form.list, "/search/levels");
  const from = read.number(form.from, at("from"));
  const to = read.number(form.to, at("to"));
  return form.levelsAs === "range"
    ? { from, to, step: read.number(form.step, at("step")) }
    : { from, to, count: read.whole(form.count, at("count")) };
}

/** Reads figures and notes what isn't one; answers 0 then, which is never sent. */
class Reader {
  constructor(private readonly errors: Map<string, string>) {}

  number(text: string, pointer: string): number {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) return value;
    this.errors.set(
      pointer,
      text.trim() ? `“${text.trim()}” is not a number` : "a number is needed",
    );
    return 0;
  }

  whole(text: string, pointer: string): number {
    const value = this.number(text, pointer);
    if (Number.isInteger(value) && value >= 0) return value;
    this.errors.set(pointer, `“${text.trim()}” is not a whole number`);
    return 0;
  }

  optionalWhole(text: string, pointer: string): number | undefined {
    return text.trim() === "" ? undefined : this.whole(text, pointer);
  }

  numbers(text: string, pointer: string): number[] {
    const parts = split(text);
    if (parts.length === 0) this.errors.set(pointer, "at least one number is needed");
    return parts.map((part) => this.number(part, pointer));
  }

  wholes(text: string, pointer: string, { mayBeEmpty = false } = {}): number[] {
    const parts = split(text);
    if (parts.length === 0 && !mayBeEmpty)
      this.errors.set(pointer, "at least one number is needed");
    return parts.map((part) => this.whole(part, pointer));
  }
}

/** The parts of a list, by commas or spaces. */
function split(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}
