import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, type APIRequestContext, type Page } from "@playwright/test";
import { startServer, type Server } from "../server.js";
import { points, watch } from "../support.js";
import { train } from "./sweeps.js";

const ROOT = join(import.meta.dirname, "../../..");
const IMAGES = join(ROOT, "docs/img");

/** Where the sweeps are: a server of our own or, to look at them again, one that runs already. */
async function serverOf(): Promise<Server | { address: string; stop(): Promise<void> }> {
  const address = process.env["FLOODGAUGE_PICTURES_SERVER"];
  return address ? { address, stop: () => Promise.resolve() } : startServer();
}

/** Each view at its address, and when it is all there. */
async function views(request: APIRequestContext, address: string) {
  const example = await readFile(join(ROOT, "examples/digits.toml"), "utf8");
  const three = example.replace("seeds = [0]", "seeds = [0, 1, 2]");
  const named = (name: string) => three.replace('name = "digits"\n', `name = "${name}"\n`);
  const grid = named("digits, full grid").replace('kind = "halving"', 'kind = "grid"');
  await train(request, address, await readFile(join(ROOT, "examples/methods.toml"), "utf8"));
  const full = await train(request, address, grid);
  const halved = await train(request, address, named("digits, three seeds"));
  return {
    list: {
      path: "#/",
      ready: (page: Page) => expect(page.locator(".spark path")).toHaveCount(3),
    },
    form: {
      path: `#/new?from=${halved}`,
      ready: (page: Page) => expect(page.getByText(/on one worker/)).toBeVisible(),
    },
    sweep: {
      path: `#/sweeps/${halved}`,
      ready: async (page: Page) => {
        await expect.poll(() => points(page)).toBeGreaterThan(0);
        await expect(page.getByRole("region", { name: "Table of the paper" })).toBeVisible();
        await expect(page.getByRole("columnheader", { name: "P(best)" })).toBeVisible();
      },
    },
    compare: {
      path: `#/compare/${halved},${full}`,
      ready: (page: Page) =>
        expect(page.getByRole("region", { name: "What differs" })).toBeVisible(),
    },
    docs: {
      path: "docs",
      ready: (page: Page) => page.getByText("Submit a sweep").first().click(),
    },
  };
}

test("the pictures of the page", async ({ browser, request }) => {
  const server = await serverOf();
  try {
    for (const [name, { path, ready }] of Object.entries(await views(request, server.address))) {
      for (const [width, height, suffix] of [
        [1440, 900, ""],
        [390, 844, "-390"],
      ] as const) {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme: "light" });
        const faults = watch(page, server.address);
        await page.goto(server.address + path);
        await ready(page);
        await page.evaluate(() => document.fonts.ready);
        // Nothing that a reader should not see may be on a picture: a failure, an alert.
        await expect(page.getByRole("alert")).toHaveCount(0);
        // The API reference is longer than anybody would look at.
        const fullPage = name !== "docs";
        await page.screenshot({ path: join(IMAGES, `${name}${suffix}.png`), fullPage });
        expect(faults).toEqual([]);
        await page.close();
      }
    }
  } finally {
    await server.stop();
  }
});
