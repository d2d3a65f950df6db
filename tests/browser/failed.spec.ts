import { expect, test, type Page } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { overhang, quick, submit } from "./quick.js";
import { watch } from "./support.js";

let server: Server;
let failed = "";

/** A step so long that no loss after it is finite. */
const optimizer = { kind: "sgd", lr: 1e30 };
const recipe = { dataset: { name: "spiral" }, optimizer, batch_size: 50, epochs: 6 };

test.beforeAll(async ({ request }) => {
  server = await startServer();
  failed = await submit(request, server.address, quick("too fast", { recipe }));
  await request.get(`${server.address}v1/sweeps/${failed}/events`);
});

test.afterAll(async () => {
  await server?.stop();
});

const answer = (page: Page) => page.getByRole("region", { name: "Answer", exact: true });
const WHY = /no arm was trained to the end with every seed; the first reason: /i;

test("a sweep that failed says why, in the list too", async ({ page }) => {
  const faults = watch(page, server.address);
  await page.goto(server.address);
  const row = page.getByRole("row", { name: "too fast" });
  await expect(row).toContainText("failed");
  await expect(row.getByText(WHY)).toBeVisible();
  await row.getByRole("link", { name: "too fast" }).click();
  await expect(answer(page).getByRole("status")).toHaveText("failed");
  await expect(answer(page).getByRole("alert")).toHaveText(WHY);
  expect(faults).toEqual([]);
});

test("it is tried again as it was, by one click", async ({ page, request }) => {
  const faults = watch(page, server.address);
  await page.goto(`${server.address}#/sweeps/${failed}`);
  await answer(page).getByRole("button", { name: "Try again" }).click();
  await page.waitForURL((url) => url.hash.startsWith("#/sweeps/") && !url.hash.endsWith(failed));
  await expect(page.getByRole("heading", { name: "too fast" })).toBeVisible();
  const again = new URL(page.url()).hash.split("/").at(-1) ?? "";
  const [before, after] = await Promise.all(
    [failed, again].map(async (id) => {
      const told = await request.get(`${server.address}v1/sweeps/${id}`);
      return ((await told.json()) as { spec: object }).spec;
    }),
  );
  expect(after).toEqual(before);
  expect(faults).toEqual([]);
});

test("or it is changed first, in the form that is filled in as it was", async ({ page }) => {
  const faults = watch(page, server.address);
  await page.goto(`${server.address}#/sweeps/${failed}`);
  await answer(page).getByRole("link", { name: "Change it first" }).click();
  await expect(page.getByText("Filled in as “too fast”.")).toBeVisible();
  await expect(page.getByLabel("Learning rate", { exact: true })).toHaveValue("1e+30");
  expect(faults).toEqual([]);
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 768, 1024, 1180, 1366, 1920]) {
    test(`the list and its dialog are whole, ${colorScheme}, ${width} wide`, async ({
      browser,
    }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 700 } });
      const page = await context.newPage();
      await page.goto(server.address);
      const table = page.getByRole("region", { name: "Sweeps" });
      const button = table.getByRole("button", { name: "Delete too fast" }).first();
      await expect(button).toBeVisible();
      const cut = (of: Element) => of.scrollWidth - of.clientWidth;
      expect(await table.evaluate(cut)).toBe(0);
      expect(await overhang(page)).toBe(0);
      await button.click();
      const dialog = page.getByRole("dialog", { name: "Delete too fast?" });
      await expect(dialog.getByText("This can’t be undone.")).toBeVisible();
      expect(await dialog.evaluate(cut)).toBe(0);
      await dialog.getByRole("button", { name: "Keep it" }).click();
      await expect(dialog).toBeHidden();
      await context.close();
    });
  }
}
