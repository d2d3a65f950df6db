/** The address after the `#`: it works wherever the page is mounted, with no help from the server. */

import { signal } from "@preact/signals";

export type Route =
  { view: "list" } | { view: "new" } | { view: "sweep"; id: string } | { view: "lost" };

/** What an address asks for. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#?\/?/, "").replace(/\/$/, "");
  if (path === "") return { view: "list" };
  if (path === "new") return { view: "new" };
  const id = /^sweeps\/([^/]+)$/.exec(path)?.[1];
  return id ? { view: "sweep", id: decode(id) } : { view: "lost" };
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

/** Where the reader is. */
export const route = signal<Route>(parseRoute(window.location.hash));

window.addEventListener("hashchange", () => {
  route.value = parseRoute(window.location.hash);
});
