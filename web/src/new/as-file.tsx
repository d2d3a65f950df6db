/** The sweep as a file or a command, to be copied. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { address } from "../api/client";
import type { SweepSpec } from "../api/types";
import { toClipboard } from "../clipboard";
import type { Spelled } from "./form";
import { toCurl, toToml } from "./as-text";

const NOTATIONS = {
  TOML: toToml,
  JSON: (spec: SweepSpec) => `${JSON.stringify(spec, null, 2)}\n`,
  curl: (spec: SweepSpec) => toCurl(spec, address("sweeps")),
} as const;

type Notation = keyof typeof NOTATIONS;

export function AsFile({ spelled }: { spelled: Spelled }) {
  const notation = useSignal<Notation>("TOML");
  const copied = useSignal("");
  const text = useRef<HTMLPreElement>(null);
  const spec = "spec" in spelled ? spelled.spec : null;

  async function copy() {
    const words = text.current?.textContent ?? "";
    copied.value = (await toClipboard(words, text.current))
      ? `${notation.value} copied`
      : "select and copy it";
  }

  return (
    <details class="as-file">
      <summary>As a file, or for the command line</summary>
      <div class="actions">
        <span class="segmented" role="group" aria-label="As">
          {(Object.keys(NOTATIONS) as Notation[]).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={notation.value === each}
              onClick={() => {
                notation.value = each;
                copied.value = "";
              }}
            >
              {each}
            </button>
          ))}
        </span>
        <button type="button" disabled={!spec} onClick={() => void copy()}>
          Copy {notation.value}
        </button>
        <span class="hint" role="status">
          {copied.value}
        </span>
      </div>
      <pre ref={text} tabIndex={0} aria-label={`The sweep as ${notation.value}`}>
        {spec ? NOTATIONS[notation.value](spec) : "Some fields can't be read as numbers yet."}
      </pre>
      {notation.value === "TOML" && spec && (
        <p class="hint">
          Saved as <code>sweep.toml</code>: <code>floodgauge submit sweep.toml --watch</code>
        </p>
      )}
    </details>
  );
}
