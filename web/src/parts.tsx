/** Small parts that several views share. */

import { useEffect } from "preact/hooks";
import type { RunEquivalents } from "./api/types";
import { formatRuns, formatShare } from "./format";

/** Names the page in the window's title while the view is there. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · Floodgauge` : "Floodgauge";
  }, [title]);
}

/** A status as a word with a mark. */
export function Status({ of }: { of: string }) {
  return <span class={`status status-${of}`}>{of}</span>;
}

/** What a sweep has cost beside what the full grid would. */
export function Cost({ of, wide = false }: { of: RunEquivalents; wide?: boolean }) {
  const share = of.full_grid > 0 ? of.spent / of.full_grid : 0;
  return (
    <span class={wide ? "cost cost-wide" : "cost"}>
      <span class="figures">
        {formatRuns(of.spent)} <span class="faint">/ {formatRuns(of.full_grid)}</span>
      </span>
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      <span class="visually-hidden">{formatShare(share)} of the full grid</span>
    </span>
  );
}

/** Words about something that went wrong. */
export function Alert({ children }: { children: preact.ComponentChildren }) {
  return (
    <p class="alert" role="alert">
      {children}
    </p>
  );
}

interface ToggleProps {
  on: boolean;
  set: () => void;
  words: string;
  disabled?: boolean;
}

/** A button that is on or off. */
export function Toggle({ on, set, words, disabled = false }: ToggleProps) {
  return (
    <button type="button" aria-pressed={on} disabled={disabled} onClick={set}>
      {words}
    </button>
  );
}
