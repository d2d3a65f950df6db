/**
 * The API reference: the server's own OpenAPI file in a viewer.
 *
 * The viewer is openapi-explorer: kept up, 220 kB packed and only on this page, free of serious
 * findings by axe, with no request to any host but this, and without a tree of packages at run
 * time.
 */

import { effect } from "@preact/signals";
import "openapi-explorer/dist/browser/openapi-explorer.min.js";
import "./styles/base.css";
import "./styles/docs.css";
import { ground } from "./theme";

/** The page's colours (see base.css) by the viewer's names. */
const COLOURS = {
  light: {
    "bg-color": "#ffffff",
    "text-color": "#171b20",
    "primary-color": "#0b5f86",
    "secondary-color": "#0b5f86",
    "nav-bg-color": "#f6f7f8",
    "nav-text-color": "#171b20",
    "nav-hover-bg-color": "#e6f1f6",
    "nav-hover-text-color": "#0b5f86",
  },
  dark: {
    "bg-color": "#171c22",
    "text-color": "#e4e8ec",
    "primary-color": "#74c5ec",
    "secondary-color": "#74c5ec",
    "nav-bg-color": "#101418",
    "nav-text-color": "#e4e8ec",
    "nav-hover-bg-color": "#17303d",
    "nav-hover-text-color": "#74c5ec",
  },
} as const;

const viewer = document.createElement("openapi-explorer");
const here = new URL(".", document.baseURI);
// Wherever the server is mounted, its operations lie beside this page. The viewer must know before
// it reads what they are.
viewer.setAttribute("server-url", here.href.replace(/\/$/, ""));
viewer.setAttribute("spec-url", new URL("openapi.json", here).href);
viewer.setAttribute("hide-server-selection", "");
// Whoever has signed in on the page has signed in here.
viewer.setAttribute("hide-authentication", "");
viewer.setAttribute("default-schema-tab", "schema");
effect(() => {
  for (const [name, colour] of Object.entries(COLOURS[ground.value])) {
    viewer.setAttribute(name, colour);
  }
});
document.getElementById("docs")?.append(viewer);
