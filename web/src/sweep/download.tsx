/** What can be taken away from a sweep. */

import { useSignal } from "@preact/signals";
import { api, wordsOf } from "../api/client";
import type { SweepDetail } from "../api/types";
import { Alert } from "../parts";

export function Downloads({ detail }: { detail: SweepDetail }) {
  const error = useSignal("");
  async function take(part: "/curves" | "/grid", type: string, ending: string) {
    try {
      save(await api.file(detail.id, part, type), fileName(detail.name, ending));
      error.value = "";
    } catch (failure) {
      error.value = wordsOf(failure);
    }
  }
  return (
    <>
      <p class="downloads">
        <span class="faint">Download</span>
        <button type="button" onClick={() => void take("/curves", "text/csv", "curves.csv")}>
          Curves, CSV
        </button>
        <button type="button" onClick={() => void take("/grid", "application/json", "grid.json")}>
          Grid, JSON
        </button>
      </p>
      {error.value && <Alert>{error.value}</Alert>}
    </>
  );
}

/** Hands a file to the reader; a plain link couldn't ask for CSV. */
function save(content: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** `digits-20-noise-curves.csv`: letters and figures of the sweep's name, which may hold anything. */
export function fileName(name: string, ending: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ["sweep"];
  return [...words, ending].join("-");
}
