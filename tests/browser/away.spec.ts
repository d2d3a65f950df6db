import { expect, test, type Page } from "@playwright/test";
import { ended, quick, submit as submitSpec } from "./quick.js";
import { startServer, type Server } from "./server.js";
import { points, submit, wireTo } from "./support.js";

// Later tests look at the sweeps of earlier ones.
test.describe.configure({ mode: "serial" });

/** Within how many milliseconds the reader is told. */
const TOLD_MS = 10_000;

let server: Server;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterEach(() => server.thaw());

test.afterAll(async () => {
  await server?.stop();
});

const told = (page: Page) => page.getByRole("alert").filter({ hasText: "Trying again…" });

/** Has the server stand still for as long as `meanwhile` takes after the reader was told. */
async function frozen(page: Page, meanwhile: () => Promise<void> = async () => {}) {
  await expect(told(page)).toHaveCount(0);
  server.freeze();
  await expect(told(page)).toHaveText(/^The server doesn’t answer\. /, { timeout: TOLD_MS });
  await meanwhile();
  server.thaw();
  await expect(told(page)).toHaveCount(0, { timeout: TOLD_MS });
}

test("a sweep's page tells of a server that stands still, and goes on with it", async ({
  page,
  request,
}) => {
  const id = await submit(request, server, { name: "interrupted", epochs: 3_000 });
  await page.goto(`${server.address}#/sweeps/${id}`);
  await expect.poll(() => points(page)).toBeGreaterThan(0);
  await frozen(page, async () => {
    // It stays in sight on a page that is longer than the window.
    await page.mouse.wheel(0, 1_000);
    await expect(told(page)).toBeInViewport();
    await page.screenshot({ path: test.info().outputPath("away.png") });
  });
  const before = await points(page);
  await expect.poll(() => points(page)).toBeGreaterThan(before);
  await request.post(`${server.address}v1/sweeps/${id}/cancel`);
});

test("the list tells of it, and lists what was submitted since", async ({ page, request }) => {
  await page.goto(server.address);
  await expect(page.getByRole("row", { name: "interrupted" })).toBeVisible();
  await frozen(page);
  await submitSpec(request, server.address, quick("after"));
  await expect(page.getByRole("row", { name: "after" })).toContainText("completed");
});

test("so do all other views, with nothing going on in them", async ({ page, request }) => {
  const ids = [];
  for (const name of ["one", "other"]) {
    const id = await submitSpec(request, server.address, quick(name));
    await ended(request, server.address, id);
    ids.push(id);
  }
  for (const [view, words] of [
    [`#/sweeps/${ids[0]}`, "one"],
    [`#/compare/${ids}`, "What differs"],
    ["#/new", "New sweep"],
    ["#/nowhere", "There is nothing here"],
  ] as const) {
    await page.goto(server.address + view);
    await expect(page.getByRole("heading", { name: words }).first()).toBeVisible();
    await frozen(page);
  }
});

test("what was asked for meanwhile is there once it answers", async ({ page }) => {
  await page.goto(`${server.address}#/nowhere`);
  await expect(page.getByText("There is nothing here")).toBeVisible();
  await frozen(page, async () => {
    await page.getByRole("link", { name: "All sweeps" }).click();
    // No request waits for ever.
    const late = page.getByText("the server didn't answer within 30 seconds");
    await expect(late).toBeVisible({ timeout: 40_000 });
  });
  await expect(page.getByRole("row", { name: "after" })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a form that is submitted meanwhile goes through once it answers", async ({ page }) => {
  await page.goto(`${server.address}#/new`);
  await page.getByLabel("Name").fill("patient");
  await page.getByLabel("Training samples").fill("600");
  await page.getByLabel("Epochs").fill("2");
  await frozen(page, async () => {
    await page.getByRole("button", { name: "Submit sweep" }).click();
    await expect(page.getByText("Submitting…")).toBeVisible();
  });
  await expect(page).toHaveURL(/#\/sweeps\//);
  await expect(page.getByRole("heading", { name: "patient" })).toBeVisible();
});

test("a wire that is cut is told of as well, until it is mended", async ({ page }) => {
  const line = await wireTo(server);
  await page.goto(line.address);
  await expect(page.getByRole("row", { name: "after" })).toBeVisible();
  line.cut();
  await expect(told(page)).toHaveText(/^The server can’t be reached\. /, { timeout: TOLD_MS });
  line.mend();
  await expect(page.getByRole("alert")).toHaveCount(0, { timeout: TOLD_MS });
  await line.close();
});
