/** Files that readers take away. */

/** Hands a file to the reader. */
export function save(content: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // Not at once: the browser has yet to take hold of it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** `digits-20-noise-curves.csv`: letters and figures of the sweep's name, which may hold anything. */
export function fileName(name: string, ending: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ["sweep"];
  return [...words, ending].join("-");
}

/** Rows as a CSV file (RFC 4180). */
export function csv(rows: readonly (readonly (string | number | null)[])[]): Blob {
  const cell = (value: string | number | null) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const text = rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
  return new Blob([text], { type: "text/csv" });
}
