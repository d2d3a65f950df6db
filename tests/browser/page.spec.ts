import { expect, test, type Page } from "@playwright/test";
import { startServer, type Server } from "./server.js";

// Later tests look at the sweeps of earlier ones.
test.describe.configure({ mode: "serial" });

let server: Server;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server?.stop();
});

/** Collects what no page may do: complain, fail, or ask another host. */
function watch(page: Page, faults: string[] = []): string[] {
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself notes refused submissions, which the form tells in its own way.
    const refused = message.text().includes("status of 422");
    if (message.type() === "error" && !refused) faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(server.address)) faults.push(`request: ${request.url()}`);
  });
  return faults;
}

/** Fills the form in; the time it takes goes with the epochs. */
async function fillIn(page: Page, name: string, epochs: number) {
  await page.goto(`${server.address}#/new`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Training samples").fill("600");
  await page.getByLabel("Epochs").fill(String(epochs));
  await page.getByLabel("From").fill("0.1");
  await page.getByLabel("To", { exact: true }).fill("0.4");
  await page.getByLabel("Step", { exact: true }).fill("0.1");
}

/** How many points the chart shows. */
async function points(page: Page): Promise<number> {
  return Number((await page.locator(".chart").getAttribute("data-points")) ?? 0);
}

test("a new server says what to do, and leads to the form", async ({ page }) => {
  const faults = watch(page);
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "No sweeps yet" })).toBeVisible();
  await page.getByRole("link", { name: "Submit the first one here" }).click();
  await expect(page.getByRole("heading", { name: "New sweep" })).toBeVisible();
  await expect(page.getByLabel("Label noise")).toHaveValue("0.2");
  expect(faults).toEqual([]);
});

test("what the server refuses stands at its field", async ({ page }) => {
  const faults = watch(page);
  await fillIn(page, "refused", 100);
  await page.getByLabel("Batch size").fill("0");
  await page.getByLabel("Hidden layers").fill("32, 0");
  await page.getByLabel("From").fill("0.9");
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page.getByText("batch_size must be at least 1")).toBeVisible();
  await expect(page.getByLabel("Batch size")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Hidden layers")).toBeFocused();
  await expect(page.getByText(/from 0\.9 must not be above/)).toBeVisible();
  await expect(page.getByText("3 fields need another look.")).toBeVisible();

  // An error goes once its field is edited, or one of the fields that it is about.
  await page.getByLabel("Batch size").fill("50");
  await expect(page.getByText("batch_size must be at least 1")).toHaveCount(0);
  await expect(page.getByLabel("Batch size")).not.toHaveAttribute("aria-invalid");
  await page.getByLabel("To", { exact: true }).fill("0.95");
  await expect(page.getByText(/from 0\.9 must not be above/)).toHaveCount(0);
  await expect(page.getByText("One field needs another look.")).toBeVisible();
  expect(faults).toEqual([]);
});

test("an uploaded data set can be chosen in the form", async ({ page, request }) => {
  const faults = watch(page);
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 5},${i % 2}`);
  const added = await request.post(`${server.address}v1/datasets?name=beans`, {
    headers: { "content-type": "text/csv" },
    data: rows.join("\n"),
  });
  expect(added.status()).toBe(201);
  await page.goto(`${server.address}#/new`);
  await page.getByLabel("Data set").selectOption("beans (uploaded)");
  await expect(page.getByText("2 features, 2 classes")).toBeVisible();
  await expect(page.getByLabel("Training samples")).toHaveAttribute("placeholder", "36");
  await page.getByLabel("Standardise features").check();
  await page.getByLabel("Name", { exact: true }).fill("beans");
  await page.getByLabel("Batch size").fill("12");
  await page.getByLabel("Epochs").fill("2");
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page.getByRole("heading", { name: "beans", level: 1 })).toBeVisible();
  const answer = page.getByRole("region", { name: "Answer" });
  await expect(answer.getByRole("status")).toHaveText("completed");
  const sweep = new URL(page.url()).hash.split("/").at(-1);

  // A set without its files can't be trained on, and the field says so.
  await page.goto(`${server.address}#/new`);
  await page.getByLabel("Data set").selectOption("SVHN (files are missing)");
  await expect(page.getByText("svhn/train_32x32.mat, svhn/test_32x32.mat")).toBeVisible();
  // The other tests count the sweeps that are there.
  expect((await request.delete(`${server.address}v1/sweeps/${sweep}`)).status()).toBe(204);
  expect(faults).toEqual([]);
});

test("a sweep goes from the form to its answer, live", async ({ page }) => {
  const faults = watch(page);
  // Long enough for several reports, of which workers send one a second.
  await fillIn(page, "live", 400);
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page.getByRole("heading", { name: "live", level: 1 })).toBeVisible();

  // The curves move: more points than the first that were seen, before the end.
  await expect.poll(() => points(page), { intervals: [20] }).toBeGreaterThan(0);
  const first = await points(page);
  await expect.poll(() => points(page), { intervals: [20] }).toBeGreaterThan(first);

  // The answer stands above the rest, and each arm has come to its end.
  const answer = page.getByRole("region", { name: "Answer" });
  await expect(answer.getByRole("status")).toHaveText("completed");
  await expect(page.locator("[data-best]")).toHaveText(/^(b = 0\.[1-4]|plain)\b/);
  await expect(answer.getByText("Test loss")).toBeVisible();
  const arms = page.getByRole("region", { name: "Standing of the arms" }).locator("tbody tr");
  await expect(arms).toHaveCount(5);
  await expect(arms.filter({ hasText: /active|dormant/ })).toHaveCount(0);

  // A page that comes later sees the same.
  const total = await points(page);
  const best = await page.locator("[data-best]").textContent();
  await page.reload();
  await expect.poll(() => points(page)).toBe(total);
  await expect(page.locator("[data-best]")).toHaveText(best ?? "");
  expect(faults).toEqual([]);
});

test("the list follows sweeps, and a sweep can be cancelled", async ({ page, context }) => {
  const faults = watch(page);
  await page.goto(server.address);
  const other = await context.newPage();
  watch(other, faults);
  await fillIn(other, "long", 20_000);
  await other.getByRole("button", { name: "Submit sweep" }).click();

  const row = page.getByRole("row", { name: /long/ });
  await expect(row).toContainText("running");
  await row.getByRole("link", { name: "long" }).click();
  await expect(page.getByRole("status")).toHaveText("running");
  await page.getByRole("button", { name: "Cancel sweep" }).click();
  await page.getByRole("group", { name: "Cancel the sweep?" }).getByText("Cancel sweep").click();
  await expect(page.getByRole("status")).toHaveText("cancelled");
  await expect(page.getByRole("button", { name: "Cancel sweep" })).toHaveCount(0);
  // The other page hears of it too.
  await expect(other.getByRole("status")).toHaveText("cancelled");
  expect(faults).toEqual([]);
});

test("the list finds sweeps by name and id", async ({ page }) => {
  const faults = watch(page);
  await page.goto(server.address);
  const rows = page.getByRole("region", { name: "Sweeps" }).locator("tbody tr");
  await expect(rows).toHaveCount(2);
  const search = page.getByLabel("Search sweeps");
  await search.fill("LIV");
  await expect(rows).toHaveCount(1);
  const link = rows.getByRole("link", { name: "live" });
  const id = (await link.getAttribute("href"))?.split("/").at(-1) ?? "";

  await search.fill("nothing like it");
  await expect(page.getByText("No sweep has “nothing like it” in its name")).toBeVisible();
  await page.getByRole("button", { name: "Show all sweeps" }).click();
  await expect(rows).toHaveCount(2);
  await search.fill(id);
  await expect(rows).toHaveCount(1);
  await expect(link).toBeVisible();
  expect(faults).toEqual([]);
});

test("a sweep that has ended can be deleted, once that is confirmed", async ({ page }) => {
  const faults = watch(page);
  await page.goto(server.address);
  await page.getByRole("button", { name: "Delete long" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete long?" });
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: "Delete long" }).click();
  await dialog.getByRole("button", { name: "Delete sweep" }).click();
  await expect(page.getByRole("link", { name: "long" })).toHaveCount(0);

  // From its own page the way leads back to the list, now empty.
  await page.getByRole("link", { name: "live" }).click();
  await page.getByRole("button", { name: "Delete live" }).click();
  await page.getByRole("button", { name: "Delete sweep" }).click();
  await expect(page.getByRole("heading", { name: "No sweeps yet" })).toBeVisible();
  expect(faults).toEqual([]);
});
