/** Figures as files. They are drawn on white whatever the page's ground, as papers are. */

import { render, type VNode } from "preact";
import { save } from "../../save";

/** Colours of a figure beside those of levels. */
export interface Inks {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly ground: string;
  readonly accent: string;
}

export const PAPER: Inks = {
  text: "#171b20",
  faint: "#5a636e",
  line: "#e3e6ea",
  ground: "#ffffff",
  accent: "#0b5f86",
};

/** The page's own, whatever its ground. */
export const PAGE: Inks = {
  text: "var(--ink)",
  faint: "var(--faint)",
  line: "var(--line)",
  ground: "var(--card)",
  accent: "var(--accent)",
};

/** Letters of figures; in a file there is no page to inherit from. */
export const FONT =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** Pixels of a PNG for each of the figure. */
const SHARPNESS = 2;

/** A figure as the text of an SVG file. */
function svgOf(figure: VNode): { text: string; width: number; height: number } {
  const host = document.createElement("div");
  render(figure, host);
  const svg = host.querySelector("svg");
  if (!svg) throw new Error("the figure holds no drawing");
  const { width, height } = svg.viewBox.baseVal;
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(height));
  const text = new XMLSerializer().serializeToString(svg);
  render(null, host);
  return { text, width, height };
}

export function saveSvg(figure: VNode, name: string) {
  save(new Blob([svgOf(figure).text], { type: "image/svg+xml" }), name);
}

export async function savePng(figure: VNode, name: string) {
  const { text, width, height } = svgOf(figure);
  const image = new Image(width, height);
  await new Promise((done, failed) => {
    image.onload = done;
    image.onerror = () => failed(new Error("the figure can't be drawn"));
    // The content security policy lets a page show what it holds, not what a blob's address names.
    image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  });
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARPNESS;
  canvas.height = height * SHARPNESS;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!made) throw new Error("the figure can't be made a PNG");
  save(made, name);
}
