/** The address after the `#`: it works wherever the page is mounted, with no help from the server. */

import { signal } from "@preact/signals";

export type Route =
  | { view: "list" }
  /** A new sweep, begun as a past one if there is one. */
  | { view: "new"; from: string | null }
  | { view: "sweep"; id: string }
  | { view: "compare"; ids: readonly string[] }
  | { view: "lost" };

/** What an address asks for. */
export function parseRoute(hash: string): Route {
  const [before = "", query = ""] = hash.replace(/^#?\/?/, "").split("?");
  const path = before.replace(/\/$/, "");
  if (path === "") return { view: "list" };
  if (path === "new") return { view: "new", from: new URLSearchParams(query).get("from") };
  const [, view, rest] = /^(sweeps|compare)\/([^/]+)$/.exec(path) ?? [];
  if (rest === undefined) return { view: "lost" };
  if (view === "sweeps") return { view: "sweep", id: decode(rest) };
  const ids = rest.split(",").filter(Boolean).map(decode);
  return ids.length > 0 ? { view: "compare", ids: [...new Set(ids)] } : { view: "lost" };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a sweep. */
export function sweepHref(id: string): string {
  return `#/sweeps/${encodeURIComponent(id)}`;
}

/** The address of a form that begins as a past sweep. */
export function againHref(id: string): string {
  return `#/new?from=${encodeURIComponent(id)}`;
}

/** The address of sweeps side by side. */
export function compareHref(ids: readonly string[]): string {
  return `#/compare/${ids.map(encodeURIComponent).join(",")}`;
}

/** Where the reader is. */
export const route = signal<Route>(parseRoute(window.location.hash));

window.addEventListener("hashchange", () => {
  route.value = parseRoute(window.location.hash);
});
