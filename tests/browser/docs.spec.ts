import { expect, test } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { quick, submit } from "./quick.js";
import { watch } from "./support.js";

let server: Server;

// Behind a proxy that hands its prefix on, which the hardest part of it all is.
test.beforeAll(async () => {
  server = await startServer("--base-path", "/tools/floodgauge");
});

test.afterAll(async () => {
  await server?.stop();
});

test("the API reference shows every operation, and asks nobody else for anything", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  await page.goto(`${server.address}docs`);
  const document = await request.get(`${server.address}openapi.json`);
  const { paths } = (await document.json()) as {
    paths: Record<string, Record<string, { summary: string }>>;
  };
  const summaries = Object.values(paths).flatMap((item) =>
    Object.values(item).map(({ summary }) => summary),
  );
  expect(summaries.length).toBeGreaterThan(20);
  for (const summary of summaries) await expect(page.getByText(summary).first()).toBeAttached();
  expect(faults).toEqual([]);
});

test("an operation can be tried out below the base path", async ({ page, request }) => {
  const sweep = await submit(request, server.address, quick("tried"));
  const faults = watch(page, server.address);
  await page.goto(`${server.address}docs`);
  await page.getByText("List sweeps, newest first").first().click();
  const answered = page.waitForResponse((response) => response.url().includes("/v1/sweeps"));
  await page
    .getByRole("button", { name: /^(try|execute|send)/i })
    .first()
    .click();
  const answer = await answered;
  expect(new URL(answer.url()).pathname).toBe("/tools/floodgauge/v1/sweeps");
  expect(await answer.text()).toContain(sweep);
  expect(faults).toEqual([]);
});

test("the page works below the base path, and is reached without its slash", async ({
  page,
  request,
}) => {
  const slashless = server.address.replace(/\/$/, "");
  const faults = watch(page, slashless);
  await page.goto(slashless);
  expect(page.url()).toBe(server.address);
  await page.getByRole("link", { name: "New sweep" }).first().click();
  await page.getByLabel("Name").fill("below");
  await page.getByLabel("Data set", { exact: true }).selectOption("spiral (generated)");
  await page.getByLabel("Epochs").fill("3");
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page.getByRole("heading", { name: "below", level: 1 })).toBeVisible();
  // Its events come too, and its answer.
  await expect(page.getByRole("region", { name: "Answer" })).toContainText("completed");
  await page.getByRole("link", { name: "API" }).click();
  await expect(page).toHaveURL(`${server.address}docs`);
  await page.getByRole("link", { name: "Sweeps", exact: true }).click();
  await expect(page.getByRole("row", { name: "below" })).toBeVisible();
  expect((await request.get(`${server.address}readyz`)).ok()).toBe(true);
  expect(faults).toEqual([]);
});
