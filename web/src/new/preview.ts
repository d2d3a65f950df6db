/** What a file holds, read in the browser before it is sent; the server checks all of it. */

import type { UploadFormat } from "../api/client";
import { arraysOf, classesIn } from "./npz";

/** What can be told of a file at a glance. */
export interface Preview {
  readonly format: UploadFormat;
  /** `540 samples, 4 features`, or what is only guessed with a sign. */
  readonly shape: string;
  /** `2 classes: 0, 1`. */
  readonly classes: string;
  /** The first rows of a table, with its header if it has one. */
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How much of a table is read: enough to see what it is. */
const HEAD_BYTES = 256 * 1024;
const ROWS = 5;

/** Reads the beginning of a file. Throws words on what it can't be. */
export async function previewOf(file: File): Promise<Preview> {
  const format = formatOf(file.name);
  if (!format) throw new Error("the name must end in .csv or .npz");
  if (file.size === 0) throw new Error("the file is empty");
  return format === "csv" ? previewCsv(file) : previewNpz(file);
}

export function formatOf(name: string): UploadFormat | null {
  const [, end] = /\.(csv|npz)$/i.exec(name) ?? [];
  return end ? (end.toLowerCase() as UploadFormat) : null;
}

/** A name that a data set may have, made of a file's. */
export function nameOf(file: string): string {
  const stem = file.replace(/\.[^.]*$/, "").toLowerCase();
  return stem
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[^a-z0-9]+|-+$/g, "")
    .slice(0, 64);
}

async function previewCsv(file: File): Promise<Preview> {
  const text = await file.slice(0, HEAD_BYTES).text();
  const whole = file.size <= HEAD_BYTES;
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  // The last line may be cut.
  if (!whole) lines.pop();
  const table = lines.filter((line) => line.trim() !== "").map((line) => line.split(",").map(cell));
  const [first] = table;
  if (!first) throw new Error("the file has no rows");
  const headed = first.some((text) => text !== "" && Number.isNaN(Number(text)));
  const rows = headed ? table.slice(1) : table;
  const label = headed ? first.findIndex((name) => name.toLowerCase() === "label") : -1;
  const column = label < 0 ? first.length - 1 : label;
  const seen = new Set(rows.map((row) => row[column] ?? ""));
  const perRow = new Blob([lines.join("\n")]).size / Math.max(1, lines.length);
  const count = whole ? rows.length : Math.round(file.size / perRow);
  return {
    format: "csv",
    shape: `${whole ? "" : "about "}${count} samples, ${first.length - 1} features`,
    classes: classWords(seen, whole),
    header: headed ? first : [],
    rows: rows.slice(0, ROWS).map((row) => row.map(shortened)),
  };
}

/** A cell's beginning: figures with many digits would push the others out of sight. */
function shortened(text: string): string {
  return text.length > 10 ? `${text.slice(0, 9)}…` : text;
}

function cell(text: string): string {
  return text.trim().replace(/^"(.*)"$/, "$1");
}

async function previewNpz(file: File): Promise<Preview> {
  const arrays = await arraysOf(file);
  const [x, y] = [arrays.find(({ name }) => name === "x"), arrays.find(({ name }) => name === "y")];
  const named = arrays.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ");
  if (!x || !y) throw new Error(`it needs arrays x and y, and holds ${named || "none"}`);
  const [samples = 0, ...of] = x.shape;
  const what = of.length === 3 ? `${of.join(" × ")} images` : `${of[0] ?? 1} features`;
  const classes = await classesIn(file, y);
  return {
    format: "npz",
    shape: `${samples} samples, ${what}; ${named}`,
    classes: classes ? classWords(classes, true) : "",
    header: [],
    rows: [],
  };
}

/** The classes by name, if they are few enough to be told. */
function classWords(seen: ReadonlySet<string>, all: boolean): string {
  const sorted = [...seen].sort((a, b) => Number(a) - Number(b));
  const named = sorted.length <= 12 ? `: ${sorted.join(", ")}` : "";
  return `${all ? "" : "at least "}${sorted.length} class${sorted.length === 1 ? "" : "es"}${named}`;
}
