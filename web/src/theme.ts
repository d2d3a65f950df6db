/** The ground that the reader's system asks for. */

import { signal } from "@preact/signals";
import type { Ground } from "./sweep/colour";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** Light or dark, as it changes. */
export const ground = signal<Ground>(dark.matches ? "dark" : "light");

dark.addEventListener("change", () => {
  ground.value = dark.matches ? "dark" : "light";
});
