/** Problems that the server has with a sweep, brought to the fields of the form. */

import { problemWords } from "../api/client";
import type { Problem } from "../api/types";
import { methodNames, type FieldErrors } from "./form";
import type { Form } from "./ranges";
import { FIELDS, GROUPS, isShown } from "./table";

/** What the form shows: errors at fields, and words for all that has no field. */
export interface Shown {
  /** By the pointer of a field, or of what several fields fill in together. */
  readonly fields: FieldErrors;
  readonly general: readonly string[];
}

/** The field that a pointer is about: itself, or the nearest one or group of them that holds it. */
export function fieldOf(pointer: string, form: Form): string | null {
  const named = methodNamed(pointer, form);
  const fields = FIELDS.filter((field) => isShown(field, form)).map(({ at }) => at);
  for (let at = named; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    if (fields.includes(at) || GROUPS.includes(at)) return at;
  }
  return null;
}

/** A sweep counts its methods; the form knows them by their names. */
function methodNamed(pointer: string, form: Form): string {
  return pointer.replace(/^\/search\/methods\/(\d+)/, (whole, index: string) => {
    const name = methodNames(form)[Number(index)];
    return name ? `/search/methods/${name}` : whole;
  });
}

/** Sorts a problem's errors to the fields; several at one field stand together. */
export function showProblem(problem: Problem, form: Form): Shown {
  const fields = new Map<string, string>();
  const general: string[] = [];
  for (const { pointer, detail } of problem.errors) {
    const field = fieldOf(pointer, form);
    if (field === null) general.push(detail);
    else fields.set(field, [fields.get(field), detail].filter(Boolean).join("; "));
  }
  if (fields.size === 0 && general.length === 0) {
    general.push(problemWords(problem));
  }
  return { fields, general };
}

/** What is still to be shown once a field is edited: nothing of it, nor of what holds it. */
export function afterEdit(shown: Shown, edited: string): Shown {
  const group = edited.slice(0, edited.lastIndexOf("/"));
  // A choice puts other fields into the place of those beside it.
  const isChoice = /\/(kind|as)$/.test(edited);
  const gone = (field: string) =>
    field === edited ||
    edited.startsWith(`${field}/`) ||
    (isChoice && field.startsWith(`${group}/`));
  const fields = new Map([...shown.fields].filter(([field]) => !gone(field)));
  return fields.size === shown.fields.size ? shown : { ...shown, fields };
}
