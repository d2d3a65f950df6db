/** Why nobody works on a sweep, and what to do about it: the server's words. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Waiting } from "../../api/types";
import { sentence } from "../../format";

/** Workers that are free are not as long as this in coming, in milliseconds. */
const PATIENCE_MS = 2_000;

export function WaitingFor({
  of: { words, remedy, wants_worker: wants, transient },
}: {
  of: Waiting;
}) {
  const waited = useSignal(!transient);
  useEffect(() => {
    const timer = setTimeout(() => (waited.value = true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waited]);
  if (!waited.value) return null;
  return (
    <div class="waiting" role="note" aria-label="Waiting">
      <p>
        {sentence(words)} {sentence(remedy)}
      </p>
      {wants && (
        <pre tabIndex={0}>floodgauge worker --server {new URL(".", document.baseURI).href}</pre>
      )}
    </div>
  );
}
