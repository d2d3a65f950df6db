/** In what sweeps differ from one another. Pure. */

import type { SweepSpec } from "../api/types";

/** A field that isn't the same in all sweeps. */
export interface DifferingField {
  /** `recipe.optimizer.lr` */
  readonly field: string;
  /** What each says, in their order; nothing where one doesn't say it. */
  readonly values: readonly string[];
}

/** Fields that differ; names do anyway, and pins follow from the data. */
export function differences(specs: readonly SweepSpec[]): DifferingField[] {
  const listed = specs.map((spec) => {
    const fields = new Map<string, string>();
    flatten(spec, "", fields);
    return fields;
  });
  const names = [...new Set(listed.flatMap((fields) => [...fields.keys()]))];
  return names
    .sort()
    .filter((name) => name !== "name" && !name.startsWith("recipe.dataset.pin"))
    .map((field) => ({ field, values: listed.map((fields) => fields.get(field) ?? "") }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

function flatten(value: unknown, at: string, fields: Map<string, string>) {
  if (Array.isArray(value)) fields.set(at, value.map(words).join(", "));
  else if (typeof value === "object" && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      flatten(each, at ? `${at}.${name}` : name, fields);
    }
  } else if (value !== undefined && value !== null) fields.set(at, words(value));
}

function words(value: unknown): string {
  if (typeof value === "object") return JSON.stringify(value).replaceAll('"', "");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value as string | number);
}
