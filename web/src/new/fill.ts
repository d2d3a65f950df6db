/** A sweep brought back into the form: what {@link spell} spelled, or any other. */

import type { SweepSpec } from "../api/types";
import { anyRangeOf, choicesOf, rangeOf, type Form } from "./ranges";
import { FIELDS, isShown } from "./table";

/** What stands in fields whose value the server has no opinion of. */
const EXAMPLES: Readonly<Record<string, string>> = {
  "/search/levels/count": "10",
  "/search/levels": "0.01, 0.02, 0.05, 0.1, 0.2",
  "/search/methods/alternating/lr": "0.1/0.05",
  "/search/methods/gradient_penalty/lambda": "0.01",
  "/recipe/optimizer/schedule/every": "30",
  "/recipe/optimizer/schedule/factor": "0.1",
};

/** A sweep over the built-in digits that takes a minute or two; the noise is what flooding helps with. */
const DIGITS = {
  name: "digits",
  recipe: { dataset: { name: "digits", label_noise: 0.2 } },
};

const DATASET = "/recipe/dataset/name";
const NOISE = "/recipe/dataset/label_noise";

/** A form, and words on what it can't hold. */
export interface Filled {
  readonly form: Form;
  readonly lost: readonly string[];
}

/** The form as it is at first. */
export function startingForm(): Form {
  return fill(DIGITS as SweepSpec).form;
}

export function fill(spec: SweepSpec): Filled {
  const form: Record<string, string> = {};
  const lost: string[] = [];
  // Kinds first: they tell where the others' defaults are.
  const byKind = [...FIELDS].sort((a, b) => rank(a.at) - rank(b.at));
  const levels = at(spec, "/search/levels") ?? anyRangeOf("/search/levels")?.default;
  form["/search/levels/as"] = waysOf(levels);
  for (const field of byKind) {
    if (field.at === "/search/levels/as" || field.at.startsWith("/search/methods/")) continue;
    form[field.at] = textOf(valueOf(spec, field.at, form)) ?? EXAMPLES[field.at] ?? "";
  }
  if (Array.isArray(levels)) form["/search/levels"] = textOf(levels) ?? "";
  else form["/search/levels"] = EXAMPLES["/search/levels"] ?? "";
  fillMethods(spec, form, lost);
  return { form, lost };
}

const rank = (at: string) => (at.endsWith("/kind") ? at.split("/").length - 10 : 0);

function at(value: unknown, pointer: string): unknown {
  return pointer
    .slice(1)
    .split("/")
    .reduce<unknown>((place, part) => (place as Record<string, unknown> | null)?.[part], value);
}

/** A sweep's value, or what the server would take for it, or else an example. */
function valueOf(spec: SweepSpec, pointer: string, form: Form): unknown {
  const value = at(spec, pointer);
  if (value !== undefined && value !== null) return value;
  const parts = pointer.split("/");
  // Of what is told in part the rest has defaults of its own.
  const holder = parts.slice(0, 3).join("/");
  const range = rangeOf(pointer, form) ?? anyRangeOf(pointer);
  const own = at(spec, holder) === undefined ? defaultOf(pointer, form) : undefined;
  return own ?? range?.default ?? range?.example ?? range?.choices?.[0];
}

/** A field's default for the kinds that the form has chosen: its own, or its part of a larger one. */
function defaultOf(pointer: string, form: Form): unknown {
  const parts = pointer.split("/");
  for (let length = 2; length < parts.length; length += 1) {
    const holder = parts.slice(0, length).join("/");
    const whole = anyRangeOf(holder)?.default as { kind?: string } | undefined;
    const chosen = form[`${holder}/kind`];
    if (whole?.kind !== undefined && chosen !== undefined && whole.kind !== chosen) continue;
    const part = at(whole, `/${parts.slice(length).join("/")}`);
    if (part !== undefined) return part;
  }
  return rangeOf(pointer, form)?.default;
}

/** Text as people would write it; undefined for what isn't there. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value ? "yes" : "";
  if (Array.isArray(value)) {
    return value.map((each) => (Array.isArray(each) ? each.join("/") : String(each))).join(", ");
  }
  return typeof value === "object" ? undefined : String(value as string | number);
}

function waysOf(levels: unknown): string {
  if (Array.isArray(levels)) return "list";
  return levels && typeof levels === "object" && "count" in levels ? "log" : "range";
}

/** Several tables of one method stand in one field; they must share what isn't in it. */
function fillMethods(spec: SweepSpec, form: Record<string, string>, lost: string[]) {
  const methods = spec.search?.methods ?? (anyRangeOf("/search/methods")?.default as []);
  for (const { at: pointer, as } of FIELDS) {
    if (as === "method") form[pointer] = "";
    else if (pointer.startsWith("/search/methods/")) {
      form[pointer] = textOf(anyRangeOf(pointer)?.default) ?? EXAMPLES[pointer] ?? "";
    }
  }
  const lists = new Map<string, string>();
  for (const method of methods) {
    const kind = typeof method === "string" ? method : method.kind;
    const before = form[`/search/methods/${kind}`] === "yes";
    form[`/search/methods/${kind}`] = "yes";
    if (typeof method === "string") continue;
    for (const [name, value] of Object.entries(method) as [string, unknown][]) {
      const pointer = `/search/methods/${kind}/${name}`;
      const text = textOf(value);
      if (name === "kind" || text === undefined) continue;
      if (Array.isArray(value)) {
        lists.set(pointer, [lists.get(pointer), text].filter(Boolean).join(", "));
        form[pointer] = lists.get(pointer) ?? "";
      } else if (before && form[pointer] !== text) {
        lost.push(`${name} ${text} of ${kind.replaceAll("_", " ")}, which has another before`);
      } else {
        form[pointer] = text;
      }
    }
  }
}

/**
 * The form once a field is changed. A field that the new kind knows otherwise takes the new
 * default, unless the reader has changed it.
 */
export function edit(form: Form, pointer: string, value: string): Form {
  const after: Record<string, string> = { ...form, [pointer]: value };
  if (pointer === DATASET) renew(after, form[DATASET] ?? "");
  if (!choicesOf(pointer).length) return after;
  for (const field of FIELDS) {
    if (field.at === pointer || !isShown(field, after)) continue;
    const [old, own] = [form, after].map((each) => textOf(defaultOf(field.at, each)));
    if (own !== undefined && old !== own && form[field.at] === old) after[field.at] = own;
  }
  return after;
}

/** Another data set brings what goes with it to fields that still have what went with the one before. */
function renew(form: Record<string, string>, before: string) {
  const [old, own] = [suitedTo(before), suitedTo(form[DATASET] ?? "")];
  for (const [at, value] of Object.entries(own)) {
    const text = form[at]?.trim();
    if (!text || text === old[at]) form[at] = value;
  }
}

/** What goes with a data set unless somebody says otherwise. */
function suitedTo(dataset: string): Record<string, string> {
  const { name, label_noise: noise } = DIGITS.recipe.dataset;
  // Labels of other sets are as good as they are: nobody asked to spoil them.
  const usual = dataset === name ? String(noise) : (textOf(anyRangeOf(NOISE)?.default) ?? "0");
  return { "/name": dataset, [NOISE]: usual };
}
