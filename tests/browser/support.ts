/** What tests of several views share. */

import { readFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, type APIRequestContext, type Page } from "@playwright/test";
import type { Server } from "./server.js";

/** Collects what no page may do: complain, fail, or ask another host. */
export function watch(page: Page, address: string, faults: string[] = []): string[] {
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself notes refused submissions, which the form tells in its own way.
    const refused = /status of (409|422)/.test(message.text());
    if (message.type() === "error" && !refused) faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const own = [address, "blob:", "data:"].some((start) => request.url().startsWith(start));
    if (!own) faults.push(`request: ${request.url()}`);
  });
  return faults;
}

/** A small sweep on digits; `change` has the parts that a test cares for. */
export interface SweepChange {
  name: string;
  epochs?: number;
  recipe?: object;
  search?: object;
  scheduler?: object;
}

/** Submits a sweep; answers its id. */
export async function submit(
  request: APIRequestContext,
  server: Server,
  { name, epochs = 40, recipe, search, scheduler = { kind: "grid" } }: SweepChange,
): Promise<string> {
  const answer = await request.post(`${server.address}v1/sweeps`, {
    data: {
      name,
      recipe: {
        dataset: { name: "digits", label_noise: 0.2, n_train: 600, n_val: 300 },
        model: { kind: "mlp", hidden: [32] },
        optimizer: { kind: "sgd", lr: 0.1, momentum: 0.9 },
        batch_size: 50,
        epochs,
        ...recipe,
      },
      search: { levels: [0.1, 0.2, 0.3, 0.4], seeds: [0], ...search },
      scheduler,
    },
  });
  expect(answer.status(), await answer.text()).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

/** Waits until a sweep has ended, which its event stream tells. */
export async function ended(request: APIRequestContext, server: Server, id: string) {
  const stream = await request.get(`${server.address}v1/sweeps/${id}/events`, { timeout: 0 });
  expect(stream.status()).toBe(200);
  await stream.body();
}

/** Opens a sweep and waits for its curves. */
export async function open(page: Page, address: string, id: string) {
  await page.goto(`${address}#/sweeps/${id}`);
  await expect.poll(() => points(page)).toBeGreaterThan(0);
}

/** How many points the chart shows. */
export async function points(page: Page): Promise<number> {
  return Number((await page.locator(".chart").getAttribute("data-points")) ?? 0);
}

export interface Taken {
  name: string;
  bytes: Buffer;
}

/** What the reader is handed as a file when something is clicked. */
export async function taken(page: Page, click: () => Promise<void>): Promise<Taken> {
  const coming = page.waitForEvent("download");
  await click();
  const download = await coming;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** A wire to the server that can be cut. */
export interface Wire {
  readonly address: string;
  /** Ends what goes through it, and refuses what comes until it is mended. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function wireTo(server: Server): Promise<Wire> {
  const { hostname, port } = new URL(server.address);
  const sockets = new Set<Socket>();
  let whole = true;
  const between = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((done) => between.listen(0, "127.0.0.1", done));
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `http://127.0.0.1:${(between.address() as AddressInfo).port}/`,
    cut,
    mend() {
      whole = true;
    },
    async close() {
      cut();
      await new Promise((done) => between.close(done));
    },
  };
}
