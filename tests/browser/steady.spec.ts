/** A page that is watched for minutes keeps still: what comes later has its place from the start. */

import { expect, test, type APIRequestContext, type Page } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { submit } from "./quick.js";
import { watch } from "./support.js";

let server: Server;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server?.stop();
});

/** A sweep that is trained for a while, so that much of it comes one by one. */
const slow = (name: string, change: object = {}) => ({
  name,
  recipe: {
    dataset: { name: "digits", label_noise: 0.2, n_train: 600, n_val: 300 },
    model: { kind: "mlp", hidden: [256, 256] },
    optimizer: { kind: "sgd", lr: 0.1, momentum: 0.9 },
    batch_size: 20,
    epochs: 150,
  },
  search: { levels: { from: 0.02, to: 0.4, step: 0.02 }, seeds: [0, 1] },
  ...change,
});

/** As much as all that moved by itself, by the measure of the browser. */
interface Shifts {
  sum: number;
  of: string[];
}

/** Adds up how far things move on a page from its very start on. */
async function measureShifts(page: Page) {
  await page.addInitScript(() => {
    const shifts: Shifts = { sum: 0, of: [] };
    (window as unknown as { shifts: Shifts }).shifts = shifts;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as LayoutShift[]) {
        if (entry.hadRecentInput) continue;
        shifts.sum += entry.value;
        const moved = entry.sources.map(({ node, previousRect: from, currentRect: to }) => {
          const element = node instanceof Element ? node : node?.parentElement;
          const name = element ? `${element.tagName}.${element.className}` : "?";
          return `${name} ${from.x},${from.y} → ${to.x},${to.y}`;
        });
        shifts.of.push(`${entry.value.toFixed(4)}: ${moved.join("; ")}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

interface LayoutShift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
}

/** Watches a sweep from before it is begun to its end; answers how much moved. */
async function watched(page: Page, request: APIRequestContext, sweep: object): Promise<Shifts> {
  const id = await submit(request, server.address, sweep);
  await request.post(`${server.address}v1/sweeps/${id}/pause`);
  await measureShifts(page);
  await page.goto(`${server.address}#/sweeps/${id}`);
  const status = page.getByRole("region", { name: "Answer", exact: true }).getByRole("status");
  await expect(status.first()).toHaveText("paused");
  await request.post(`${server.address}v1/sweeps/${id}/resume`);
  await expect(status.first()).toHaveText("completed", { timeout: 600_000 });
  // What is fetched once it has ended is there then.
  await expect(page.locator("[data-best]")).toBeVisible();
  await page.waitForLoadState("networkidle");
  return page.evaluate(() => (window as unknown as { shifts: Shifts }).shifts);
}

const SCHEDULERS = ["halving", "sha"];

for (const [width, height] of [
  [1440, 900],
  [1024, 768],
  [390, 844],
] as const) {
  test(`nothing jumps while a sweep is watched, ${width} by ${height}`, async ({
    page,
    request,
  }) => {
    test.setTimeout(900_000);
    await page.setViewportSize({ width, height });
    const faults = watch(page, server.address);
    for (const kind of SCHEDULERS) {
      const shifts = await watched(page, request, slow(kind, { scheduler: { kind } }));
      expect(shifts.sum, `${kind}:\n${shifts.of.join("\n")}`).toBeLessThan(0.05);
    }
    expect(faults).toEqual([]);
  });
}
