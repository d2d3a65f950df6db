/** Problems that the server has with a sweep, brought to the fields of the form. */

import { problemWords } from "../api/client";
import type { Problem } from "../api/types";
import type { FieldErrors } from "./form";

/** The fields of the form, by the JSON pointer (RFC 6901) of what they fill in. */
export const FIELDS = [
  "/name",
  "/recipe/dataset/name",
  "/recipe/dataset/label_noise",
  "/recipe/dataset/n_train",
  "/recipe/dataset/n_val",
  "/recipe/model/hidden",
  "/recipe/model/batch_norm",
  "/recipe/optimizer/kind",
  "/recipe/optimizer/lr",
  "/recipe/optimizer/momentum",
  "/recipe/optimizer/beta_1",
  "/recipe/optimizer/beta_2",
  "/recipe/optimizer/epsilon",
  "/recipe/batch_size",
  "/recipe/epochs",
  "/search/levels/from",
  "/search/levels/to",
  "/search/levels/step",
  "/search/levels/count",
  "/search/levels",
  "/search/weight_decay",
  "/search/seeds",
  "/search/objective/metric",
  "/search/objective/at",
  "/scheduler/kind",
  "/scheduler/eta",
  "/scheduler/first_rung",
] as const;

/** What the form shows: errors at fields, and words for all that has no field. */
export interface Shown {
  readonly fields: FieldErrors;
  readonly general: readonly string[];
}

/** The field that a pointer is about: itself, or the nearest one that holds it. */
export function fieldOf(pointer: string): string | null {
  for (let at = pointer; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    if ((FIELDS as readonly string[]).includes(at)) return at;
  }
  return null;
}

/** Sorts a problem's errors to the fields; several at one field stand together. */
export function showProblem(problem: Problem): Shown {
  const fields = new Map<string, string>();
  const general: string[] = [];
  for (const { pointer, detail } of problem.errors) {
    const field = fieldOf(pointer);
    if (field === null) general.push(detail);
    else fields.set(field, [fields.get(field), detail].filter(Boolean).join("; "));
  }
  if (fields.size === 0 && general.length === 0) {
    general.push(problemWords(problem));
  }
  return { fields, general };
}

/** Choices that put other fields into the place of those beside them. */
const CHOICES: readonly string[] = [
  "/recipe/optimizer/kind",
  "/search/levels/as",
  "/scheduler/kind",
];

/** What is still to be shown once a field is edited: nothing of it, nor of what holds it. */
export function afterEdit(shown: Shown, edited: string): Shown {
  const group = edited.slice(0, edited.lastIndexOf("/"));
  const gone = (field: string) =>
    field === edited ||
    edited.startsWith(`${field}/`) ||
    (CHOICES.includes(edited) && field.startsWith(`${group}/`));
  const fields = new Map([...shown.fields].filter(([field]) => !gone(field)));
  return fields.size === shown.fields.size ? shown : { ...shown, fields };
}
