/** A sweep as people keep it: a file for the command line, a command. */

import type { SweepSpec } from "../api/types";

/** The sweep as TOML, as `floodgauge submit` reads it. */
export function toToml({ name, ...tables }: SweepSpec): string {
  const lines = [`name = ${inline(name)}`];
  for (const [table, fields] of Object.entries(tables)) {
    if (fields === undefined || fields === null) continue;
    lines.push("", `[${table}]`);
    for (const [field, value] of Object.entries(fields as Record<string, unknown>)) {
      lines.push(`${field} = ${inline(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** A value on one line. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).filter(([, each]) => each !== undefined && each !== null);
    return `{ ${fields.map(([name, each]) => `${name} = ${inline(each)}`).join(", ")} }`;
  }
  // JSON's strings are TOML's basic strings, but for DEL.
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

/** The command that submits the sweep to a server, for a POSIX shell. */
export function toCurl(spec: SweepSpec, sweeps: string): string {
  const lines = [
    "curl --fail-with-body",
    `-H ${quoted("content-type: application/json")}`,
    `--data ${quoted(JSON.stringify(spec))}`,
    quoted(sweeps),
  ];
  return `${lines.join(" \\\n  ")}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
