/** The form as a table: its sections, and one row a field. What isn't said here the schema says. */

import { anyRangeOf, rangeOf, type Form } from "./ranges";

/** How a field is written, and read. */
export type As =
  "text" | "number" | "whole" | "numbers" | "wholes" | "pairs" | "check" | "choice" | "method";

export interface Field {
  /** The JSON pointer of what it fills in, with a method's name in the place of its index. */
  readonly at: string;
  readonly label: string;
  readonly as: As;
  readonly hint?: string;
  /** Choices in words; others stand for themselves. */
  readonly words?: Readonly<Record<string, string>>;
  /** Left out when it is left empty. */
  readonly optional?: boolean;
  /** Whether the form has it as it is; by itself where the schema has it for the chosen kinds. */
  readonly when?: (form: Form) => boolean;
}

export interface Section {
  readonly legend: string;
  /** Fields that stand together. */
  readonly groups: readonly (readonly Field[])[];
  /** Pointers of errors that belong to no field of the section, but to all of it. */
  readonly errors: readonly string[];
}

const levels =
  (...notations: string[]) =>
  (form: Form) =>
    notations.includes(form["/search/levels/as"] ?? "");

/** The ways to write levels, which no field of the sweep tells. */
export const LEVELS_AS: Readonly<Record<string, string>> = {
  range: "even steps",
  log: "even in the logarithm",
  list: "a list",
};

const DATA: Section = {
  legend: "Sweep and data",
  errors: ["/recipe/dataset"],
  groups: [
    [
      { at: "/name", label: "Name", as: "text" },
      { at: "/recipe/dataset/name", label: "Data set", as: "choice" },
      {
        at: "/recipe/dataset/label_noise",
        label: "Label noise",
        as: "number",
        hint: "share of labels flipped",
      },
      { at: "/recipe/dataset/n_train", label: "Training samples", as: "whole", optional: true },
      { at: "/recipe/dataset/n_val", label: "Validation samples", as: "whole", optional: true },
      { at: "/recipe/dataset/standardize", label: "Standardise features", as: "check" },
    ],
  ],
};

const MODEL: Section = {
  legend: "Model",
  errors: ["/recipe/model", "/recipe/augment"],
  groups: [
    [
      {
        at: "/recipe/model/kind",
        label: "Model",
        as: "choice",
        words: { mlp: "perceptron (MLP)", cnn: "convolutional (CNN)", resnet: "residual (ResNet)" },
      },
      {
        at: "/recipe/model/channels",
        label: "Channels",
        as: "wholes",
        hint: "of each convolution",
      },
      {
        at: "/recipe/model/kernel",
        label: "Kernel",
        as: "choice",
        words: { "3": "3 × 3", "5": "5 × 5" },
      },
      { at: "/recipe/model/hidden", label: "Hidden layers", as: "wholes", hint: "widths, or none" },
      { at: "/recipe/model/depth", label: "Depth", as: "whole", hint: "6n + 2 layers" },
      {
        at: "/recipe/model/width",
        label: "Width",
        as: "whole",
        hint: "channels of the first stage",
      },
      { at: "/recipe/model/batch_norm", label: "Batch normalisation", as: "check" },
    ],
    [
      { at: "/recipe/augment/crop", label: "Shift images by", as: "whole", hint: "pixels" },
      { at: "/recipe/augment/flip", label: "Mirror every second image", as: "check" },
    ],
  ],
};

const TRAINING: Section = {
  legend: "Training",
  errors: ["/recipe", "/recipe/optimizer", "/recipe/optimizer/schedule"],
  groups: [
    [
      {
        at: "/recipe/optimizer/kind",
        label: "Optimiser",
        as: "choice",
        words: { sgd: "SGD", adam: "Adam", adamw: "AdamW" },
      },
      { at: "/recipe/optimizer/lr", label: "Learning rate", as: "number" },
      { at: "/recipe/optimizer/momentum", label: "Momentum", as: "number" },
      { at: "/recipe/optimizer/beta_1", label: "β₁", as: "number" },
      { at: "/recipe/optimizer/beta_2", label: "β₂", as: "number" },
      { at: "/recipe/optimizer/epsilon", label: "ε", as: "number" },
      { at: "/recipe/optimizer/nesterov", label: "Nesterov’s momentum", as: "check" },
    ],
    [
      {
        at: "/recipe/optimizer/schedule/kind",
        label: "Learning-rate schedule",
        as: "choice",
        words: { constant: "constant", step: "in steps", cosine: "half a cosine, to 0" },
      },
      {
        at: "/recipe/optimizer/schedule/every",
        label: "A step every",
        as: "whole",
        hint: "epochs",
      },
      { at: "/recipe/optimizer/schedule/factor", label: "Factor", as: "number" },
      { at: "/recipe/optimizer/schedule/warmup", label: "Warm-up", as: "whole", hint: "epochs" },
      { at: "/recipe/batch_size", label: "Batch size", as: "whole" },
      { at: "/recipe/epochs", label: "Epochs", as: "whole" },
    ],
  ],
};

const SEARCH: Section = {
  legend: "Search",
  errors: ["/search", "/search/levels", "/search/methods"],
  groups: [
    [
      { at: "/search/levels/as", label: "Flood levels", as: "choice", words: LEVELS_AS },
      { at: "/search/levels", label: "Levels", as: "numbers", when: levels("list") },
      { at: "/search/levels/from", label: "From", as: "number", when: levels("range", "log") },
      { at: "/search/levels/to", label: "To", as: "number", when: levels("range", "log") },
      { at: "/search/levels/step", label: "Step", as: "number", when: levels("range") },
      { at: "/search/levels/count", label: "How many", as: "whole", when: levels("log") },
      {
        at: "/search/extend",
        label: "Go on beyond an end if the best lies there",
        as: "check",
      },
    ],
    [
      { at: "/search/methods/flood", label: "Flooding", as: "method" },
      { at: "/search/methods/iflood", label: "iFlood", as: "method" },
      { at: "/search/methods/softad", label: "SoftAD", as: "method" },
      { at: "/search/methods/alternating", label: "Alternating steps", as: "method" },
      { at: "/search/methods/gradient_penalty", label: "Gradient penalty", as: "method" },
    ],
    [
      {
        at: "/search/methods/alternating/lr",
        label: "Rates down/up",
        as: "pairs",
        hint: "pairs such as 0.1/0.05",
        when: (form) => form["/search/methods/alternating"] === "yes",
      },
      {
        at: "/search/methods/gradient_penalty/lambda",
        label: "Penalty’s λ",
        as: "numbers",
        when: (form) => form["/search/methods/gradient_penalty"] === "yes",
      },
      {
        at: "/search/methods/gradient_penalty/rho",
        label: "Penalty’s ρ",
        as: "number",
        when: (form) => form["/search/methods/gradient_penalty"] === "yes",
      },
    ],
    [
      {
        at: "/search/weight_decay",
        label: "Weight decays",
        as: "numbers",
        hint: "each is searched by itself",
      },
      { at: "/search/seeds", label: "Seeds", as: "wholes", hint: "several give an interval" },
      {
        at: "/search/objective/metric",
        label: "Objective",
        as: "choice",
      },
      {
        at: "/search/objective/at",
        label: "Measured at",
        as: "choice",
        words: { last: "the end", best: "the best epoch" },
      },
      {
        at: "/search/evidence",
        label: "Evidence",
        as: "choice",
        hint: "the metric that shows where plain training begins to overfit",
        words: { "": "by default: val_loss" },
        optional: true,
      },
    ],
  ],
};

const SCHEDULER: Section = {
  legend: "Scheduler",
  errors: ["/scheduler"],
  groups: [
    [
      { at: "/scheduler/kind", label: "Scheduler", as: "choice" },
      {
        at: "/scheduler/eta",
        label: "Eta",
        as: "whole",
        hint: "one arm in eta goes on",
        optional: true,
      },
      {
        at: "/scheduler/first_rung",
        label: "First rung",
        as: "whole",
        hint: "epochs; of probes, after onset",
        optional: true,
      },
      { at: "/scheduler/priority", label: "Priority", as: "whole", hint: "higher ones go first" },
    ],
  ],
};

export const SECTIONS: readonly Section[] = [DATA, MODEL, TRAINING, SEARCH, SCHEDULER];

export const FIELDS: readonly Field[] = SECTIONS.flatMap(({ groups }) => groups.flat());

/** Pointers at which whole sections show errors. */
export const GROUPS: readonly string[] = SECTIONS.flatMap(({ errors }) => errors);

/** Whether the form has a field as it is. */
export function isShown({ at, as, when }: Field, form: Form): boolean {
  const schedulers = anyRangeOf(at)?.schedulers;
  if (schedulers && !schedulers.includes(form["/scheduler/kind"] ?? "")) return false;
  if (when) return when(form);
  return as === "method" || at === "/search/levels/as" || rangeOf(at, form) !== undefined;
}
