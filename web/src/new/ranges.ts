/** What the server says of each field: bounds, default, choices. */

import type { Range } from "../../build/ranges";
import ranges from "virtual:ranges";

export type { Range };

/** The fields as text by their JSON pointers; a ticked box is `yes`, others are empty. */
export type Form = Readonly<Record<string, string>>;

/** How the form calls the ways to write levels, and what the schema calls them. */
const LEVELS: Readonly<Record<string, string>> = { range: "Range", log: "LogRange", list: "" };

/** Where in the table of ranges a field is, given the kinds that the form has chosen. */
function keyOf(at: string, form: Form): string {
  const method = /^\/search\/methods\/(\w+)\/(\w+)$/.exec(at);
  if (method) return `/search/methods/*#${method[1]}/${method[2]}`;
  let key = "";
  let path = "";
  for (const part of at.slice(1).split("/")) {
    const kind =
      path === "/search/levels" ? LEVELS[form[`${path}/as`] ?? ""] : form[`${path}/kind`];
    // The scheduler's kinds share their fields.
    if (kind && part !== "kind" && path !== "/scheduler") key += `#${kind}`;
    key += `/${part}`;
    path += `/${part}`;
  }
  return key;
}

/** What is known of a field of the form as it is; undefined where its kind has no such field. */
export function rangeOf(at: string, form: Form): Range | undefined {
  return ranges[keyOf(at, form)];
}

/** What a pointer can mean, whatever is chosen: the least special of it, and of these the first. */
const first = new Map<string, Range>();
const variantsIn = (key: string) => key.split("#").length;
for (const [key, range] of Object.entries(ranges).sort(
  ([a], [b]) => variantsIn(a) - variantsIn(b),
)) {
  const at = key.replace(/\*#/, "").replace(/#\w+/g, "");
  if (!first.has(at)) first.set(at, range);
}

/** What is known of a field, whatever the kinds that the form has chosen. */
export function anyRangeOf(at: string): Range | undefined {
  return first.get(at);
}

/** The pointers of all that a sweep can say, `*` for a list's items. */
export function pointers(): string[] {
  return [...new Set(Object.keys(ranges).map((key) => key.replace(/#\w+/g, "")))];
}

/** The choices of a field. */
export function choicesOf(at: string): readonly string[] {
  return first.get(at)?.choices ?? [];
}

/** What the server calls the choices of a field, or some of the names that it takes. */
export function choiceWords(at: string): Readonly<Record<string, string>> {
  const { suggestions = [], choices = suggestions, words = [] } = first.get(at) ?? {};
  return Object.fromEntries(choices.map((choice, i) => [choice, words[i] ?? choice]));
}

/** Bounds in words: `1 to 100 000`, `above 0`, `0 to below 1`; nothing where there are none. */
export function rangeWords(range: Range | undefined): string {
  if (!range) return "";
  if (range.items) return rangeWords(range.items);
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = range;
  const low = exclusiveMinimum ?? minimum;
  const high = exclusiveMaximum ?? maximum;
  const above = exclusiveMinimum === undefined ? "" : "above ";
  const below = exclusiveMaximum === undefined ? "" : "below ";
  if (low === undefined) return high === undefined ? "" : `${below || "at most "}${figure(high)}`;
  // Nobody thinks of fewer than none.
  const isCount = range.type === "integer" && low === 0 && !above;
  if (high === undefined) return isCount ? "" : `${above || "at least "}${figure(low)}`;
  return `${above}${figure(low)} to ${below}${figure(high)}`;
}

/** Thousands apart, with a true minus sign. */
function figure(value: number): string {
  const size = String(Math.abs(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return value < 0 ? `\u2212${size}` : size;
}
