import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Paste } from "../../api/types";
import { toClipboard } from "../../clipboard";

/** The line to paste into a training script, and what of the recipe belongs beside it. */
export function PasteLine({ of }: { of: Paste }) {
  const copied = useSignal("");
  const line = useRef<HTMLPreElement>(null);
  async function copy() {
    copied.value = (await toClipboard(of.line, line.current)) ? "copied" : "select and copy it";
  }
  return (
    <div class="paste" role="group" aria-label="For your training script">
      <pre ref={line}>{of.line}</pre>
      <p>
        <button type="button" onClick={() => void copy()}>
          Copy
        </button>
        <span class="faint">In PyTorch, {of.words}</span>
        <span class="faint" aria-live="polite">
          {copied.value}
        </span>
      </p>
    </div>
  );
}
