/** The sweep that the form spells. */

import type { SweepSpec } from "../api/types";
import { rangeOf, type Form } from "./ranges";
import { FIELDS, isShown, type Field } from "./table";

/** What is wrong, by the JSON pointer of the field. */
export type FieldErrors = ReadonlyMap<string, string>;

/** A sweep, or what can't be read as one. */
export type Spelled = { spec: SweepSpec } | { errors: FieldErrors };

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Reads the form. Only what isn't a number is refused here; bounds are the server's to check. */
export function spell(form: Form): Spelled {
  const errors = new Map<string, string>();
  const spec: { [name: string]: Json } = {};
  for (const field of FIELDS) {
    if (!isShown(field, form) || field.at === "/search/levels/as") continue;
    if (field.at.startsWith("/search/methods/")) continue;
    const value = readField(field, form, errors);
    if (value !== undefined) put(spec, field.at, value);
  }
  put(spec, "/search/methods", methodsOf(form, errors));
  // The spec is as the table says, which is checked against the schema.
  return errors.size > 0 ? { errors } : { spec: tidy(spec) as unknown as SweepSpec };
}

/** The methods that are ticked, in the order in which they are spelled. */
export function methodNames(form: Form): string[] {
  return FIELDS.filter(({ as, at }) => as === "method" && form[at] === "yes").map(({ at }) =>
    at.slice("/search/methods/".length),
  );
}

function methodsOf(form: Form, errors: Map<string, string>): Json[] {
  return methodNames(form).map((kind) => {
    const own = FIELDS.filter(({ at }) => at.startsWith(`/search/methods/${kind}/`));
    if (own.length === 0) return kind;
    const table: { [name: string]: Json } = { kind };
    for (const field of own) {
      const value = readField(field, form, errors);
      if (value !== undefined) table[field.at.split("/").at(-1) ?? ""] = value;
    }
    return table;
  });
}

function readField(field: Field, form: Form, errors: Map<string, string>): Json | undefined {
  const { at, as, optional } = field;
  const text = form[at]?.trim() ?? "";
  const read = new Reader(errors, at);
  if (optional && text === "") return undefined;
  switch (as) {
    case "text":
      return text;
    case "choice":
      return rangeOf(at, form)?.type === "integer" ? Number(text) : text;
    case "check":
    case "method":
      return text === "yes";
    case "number":
      return read.number(text);
    case "whole":
      return read.whole(text);
    case "numbers":
      return read.list(text, (part) => read.number(part));
    case "wholes": {
      const mayBeEmpty = rangeOf(at, form)?.minItems === undefined;
      return read.list(text, (part) => read.whole(part), mayBeEmpty);
    }
    case "pairs":
      return read.list(text, (part) => read.pair(part));
  }
}

/** Reads figures and notes what isn't one; answers 0 then, which is never sent. */
class Reader {
  constructor(
    private readonly errors: Map<string, string>,
    private readonly at: string,
  ) {}

  number(text: string): number {
    const value = Number(text);
    if (text !== "" && Number.isFinite(value)) return value;
    return this.refuse(text ? `“${text}” is not a number` : "a number is needed");
  }

  whole(text: string): number {
    const value = this.number(text);
    return Number.isInteger(value) ? value : this.refuse(`“${text}” is not a whole number`);
  }

  pair(text: string): number[] {
    const parts = text.split("/");
    if (parts.length !== 2) this.refuse(`“${text}” is not a pair such as 0.1/0.05`);
    return parts.map((part) => this.number(part.trim()));
  }

  list<T>(text: string, read: (part: string) => T, mayBeEmpty = false): T[] {
    const parts = text.split(/[\s,;]+/).filter(Boolean);
    if (parts.length === 0 && !mayBeEmpty) this.refuse("at least one number is needed");
    return parts.map(read);
  }

  private refuse(words: string): number {
    if (!this.errors.has(this.at)) this.errors.set(this.at, words);
    return 0;
  }
}

function put(spec: { [name: string]: Json }, at: string, value: Json) {
  const parts = at.slice(1).split("/");
  const last = parts.pop() ?? "";
  let place = spec;
  for (const part of parts) place = (place[part] ??= {}) as { [name: string]: Json };
  place[last] = value;
}

/** Leaves out what is as it would be anyway and only makes the sweep longer to read. */
function tidy(spec: { [name: string]: Json }): { [name: string]: Json } {
  const recipe = spec["recipe"] as { [name: string]: { [name: string]: Json } };
  const optimizer = recipe["optimizer"] ?? {};
  const scheduler = spec["scheduler"] as { [name: string]: Json };
  const search = spec["search"] as { [name: string]: Json };
  const same = (a: Json | undefined, b: Json) => JSON.stringify(a) === JSON.stringify(b);
  if (same(optimizer["schedule"], { kind: "constant", warmup: 0 })) delete optimizer["schedule"];
  if (same(recipe["augment"], { crop: 0, flip: false })) delete recipe["augment"];
  if (recipe["dataset"]?.["standardize"] === false) delete recipe["dataset"]["standardize"];
  if (optimizer["nesterov"] === false) delete optimizer["nesterov"];
  if (search["extend"] === false) delete search["extend"];
  if (scheduler["priority"] === 0) delete scheduler["priority"];
  return spec;
}
