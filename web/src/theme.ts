/** Light or dark: what the reader has chosen, or else what the system asks for. */

import { computed, effect, signal } from "@preact/signals";
import type { Ground } from "./sweep/colour";

export type Theme = "system" | Ground;

/** Where the choice is kept in this browser. */
const KEY = "floodgauge.theme";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const asked = signal<Ground>(dark.matches ? "dark" : "light");

dark.addEventListener("change", () => {
  asked.value = dark.matches ? "dark" : "light";
});

/** What the reader has chosen. */
export const theme = signal<Theme>(kept());

/** Light or dark, as it is now. */
export const ground = computed<Ground>(() =>
  theme.value === "system" ? asked.value : theme.value,
);

effect(() => {
  const root = document.documentElement;
  // The colours follow `color-scheme`, which base.css sets by this.
  if (theme.value === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme.value;
});

/** Chooses, and keeps the choice where the browser lets us. */
export function choose(next: Theme) {
  theme.value = next;
  try {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Then it lasts as long as the page.
  }
}

function kept(): Theme {
  try {
    const said = localStorage.getItem(KEY);
    return said === "light" || said === "dark" ? said : "system";
  } catch {
    return "system";
  }
}
