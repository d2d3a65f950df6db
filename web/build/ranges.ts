/**
 * What the OpenAPI file says of each field of a sweep: type, bounds, default, choices.
 *
 * The file as a whole would be most of the page; this keeps the little that the form asks for.
 */

import type { Plugin } from "vite";
import openapi from "../openapi.json" with { type: "json" };

/** What is known of a field. */
export interface Range {
  type?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  default?: unknown;
  /** Where there is no default, but a value that makes sense. */
  example?: unknown;
  choices?: string[];
  /** Some of the names that the field takes, where it takes any. */
  suggestions?: string[];
  /** What people call the choices, where the server tells. */
  words?: string[];
  /** The schedulers that have the field; all where none is named. */
  schedulers?: string[];
  /** The bounds of a list's items. */
  items?: Range;
}

interface Schema extends Range {
  $ref?: string;
  /** The default of a choice between objects, which standard fields don't tell. */
  "x-default"?: unknown;
  "x-enum-descriptions"?: string[];
  "x-schedulers"?: string[];
  examples?: string[];
  type?: string & string[];
  oneOf?: Schema[];
  enum?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
}

const SCHEMAS = openapi.components.schemas as unknown as Record<string, Schema>;

const KEPT = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minItems",
  "default",
  "example",
] as const;

/**
 * The ranges by JSON pointer. The variants of a choice are told apart by `#` and their kind
 * (`/recipe/optimizer#sgd/lr`) or, where there is none, the name of their schema; a list's items
 * are `*`.
 */
export function rangesOf(root: string): Record<string, Range> {
  const ranges: Record<string, Range> = {};
  walk(SCHEMAS[root] ?? {}, "", ranges);
  return ranges;
}

function walk(unresolved: Schema, at: string, ranges: Record<string, Range>) {
  const schema = resolved(unresolved);
  const range: Range = {};
  for (const key of KEPT)
    if (schema[key] !== undefined) Object.assign(range, { [key]: schema[key] });
  if (schema["x-default"] !== undefined) range.default = schema["x-default"];
  const type = Array.isArray(schema.type)
    ? schema.type.find((each) => each !== "null")
    : schema.type;
  if (type && type !== "object") range.type = type;
  if (schema.enum) range.choices = schema.enum;
  if (schema["x-enum-descriptions"]) range.words = schema["x-enum-descriptions"];
  if (schema.examples) range.suggestions = schema.examples;
  if (schema["x-schedulers"]) range.schedulers = schema["x-schedulers"];
  // A list among the variants of a choice adds to what the choice itself tells.
  if (Object.keys(range).length > 0) ranges[at] = { ...ranges[at], ...range };

  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    // Filled in by the server.
    if (name === "pin") continue;
    walk(field, `${at}/${name}`, ranges);
  }
  if (schema.items) {
    walk(schema.items, `${at}/*`, ranges);
    const items = ranges[`${at}/*`];
    if (items) ranges[at] = { ...ranges[at], items };
  }
  const variants = (schema.oneOf ?? []).filter(
    (each) => resolved(each).type?.toString() !== "null",
  );
  const kinds: string[] = [];
  for (const variant of variants) {
    const kind = resolved(variant).properties?.["kind"]?.enum?.[0];
    if (kind) kinds.push(kind);
    const name = kind ?? variant.$ref?.split("/").at(-1);
    const own = resolved(variant);
    // A choice within a choice, a list, and what may be null, need no name of their own.
    const plain =
      variants.length === 1 ||
      own.oneOf !== undefined ||
      own.type === "array" ||
      name === undefined;
    walk(variant, plain ? at : `${at}#${name}`, ranges);
  }
  if (kinds.length > 0) ranges[`${at}/kind`] = { type: "string", choices: kinds };
}

/** A schema without its reference; what stands beside the reference goes before. */
function resolved(schema: Schema): Schema {
  const { $ref, ...beside } = schema;
  if (!$ref) return schema;
  return { ...resolved(SCHEMAS[$ref.split("/").at(-1) ?? ""] ?? {}), ...beside };
}

/** Offers the ranges of a sweep as the module `virtual:ranges`. */
export function ranges(): Plugin {
  const name = "virtual:ranges";
  return {
    name,
    resolveId: (id) => (id === name ? `\0${name}` : null),
    load: (id) =>
      id === `\0${name}` ? `export default ${JSON.stringify(rangesOf("SweepSpec"))}` : null,
  };
}
