/** Small sweeps, and what every view has to hold. */

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type APIRequestContext, type Page } from "@playwright/test";

/** A sweep that trains in a second or two. */
export function quick(name: string, change: object = {}): object {
  return {
    name,
    recipe: {
      dataset: { name: "spiral" },
      model: { kind: "mlp", hidden: [16] },
      optimizer: { kind: "sgd", lr: 0.1, momentum: 0.9 },
      batch_size: 50,
      epochs: 6,
    },
    search: { levels: [0.2, 0.4, 0.6], seeds: [0, 1] },
    scheduler: { kind: "grid" },
    ...change,
  };
}

/** Submits a sweep; answers its id. */
export async function submit(
  request: APIRequestContext,
  address: string,
  sweep: object,
): Promise<string> {
  const answer = await request.post(`${address}v1/sweeps`, { data: sweep });
  expect(answer.status(), await answer.text()).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

/** Waits until a sweep has ended: its event stream ends then. */
export async function ended(request: APIRequestContext, address: string, sweep: string) {
  await request.get(`${address}v1/sweeps/${sweep}/events`, { timeout: 60_000 });
  const answer = await request.get(`${address}v1/sweeps/${sweep}`);
  expect(((await answer.json()) as { status: string }).status).toBe("completed");
}

/** What axe finds that keeps people out. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

/** How much wider the page is than its window. */
export function overhang(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
