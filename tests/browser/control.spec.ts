import { expect, test, type Page } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { ended, quick, submit } from "./quick.js";
import { open, points, taken, watch } from "./support.js";

let server: Server;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server?.stop();
});

const answer = (page: Page) => page.getByRole("region", { name: "Answer", exact: true });
const status = (page: Page) => answer(page).getByRole("status");
const log = (page: Page) => page.getByRole("region", { name: "Log", exact: true });
const button = (page: Page, name: string) =>
  answer(page).getByRole("button", { name, exact: true });
const rows = (page: Page) =>
  page.getByRole("region", { name: "Standing of the arms" }).locator("tbody tr");
/** Far more epochs than are trained before somebody steps in. */
const endless = (name: string) =>
  quick(name, { recipe: { dataset: { name: "spiral" }, batch_size: 50, epochs: 20_000 } });

test("a sweep is paused and goes on where it was, then is cancelled", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const id = await submit(request, server.address, endless("halted"));
  await open(page, server.address, id);
  await button(page, "Pause").click();
  await expect(status(page)).toHaveText("paused");
  // What the worker held is handed in, and it takes nothing more.
  await expect(
    log(page)
      .getByText(/the worker hands in what it has/)
      .first(),
  ).toBeVisible();
  await expect(
    page
      .getByRole("region", { name: "Workers" })
      .getByText("trains nothing of this sweep just now"),
  ).toBeVisible();
  const halted = await points(page);

  // So it is for whoever comes later, in the list too.
  await page.reload();
  await expect(status(page)).toHaveText("paused");
  await expect.poll(() => points(page)).toBe(halted);
  await page.goto(server.address);
  await expect(page.getByRole("row", { name: "halted" })).toContainText("paused");

  await open(page, server.address, id);
  await button(page, "Resume").click();
  await expect(status(page)).toHaveText("running");
  await expect.poll(() => points(page)).toBeGreaterThan(halted);

  await button(page, "Cancel sweep").click();
  const sure = page.getByRole("group", { name: "Cancel the sweep?" });
  await sure.getByRole("button", { name: "Keep going" }).click();
  await expect(sure).toHaveCount(0);
  await expect(status(page)).toHaveText("running");
  await button(page, "Cancel sweep").click();
  await sure.getByRole("button", { name: "Cancel sweep" }).click();
  await expect(status(page)).toHaveText("cancelled");
  await expect(answer(page).getByText(/^Cancelled: /)).toBeVisible();
  // What there is then: no pause, no extension.
  for (const name of ["Pause", "Resume", "Cancel sweep", "Extend…"]) {
    await expect(button(page, name)).toHaveCount(0);
  }
  expect(faults).toEqual([]);
});

test("why something is refused stands until it is dismissed, whatever comes meanwhile", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const id = await submit(request, server.address, endless("refused"));
  await open(page, server.address, id);
  await page.route("**/pause", (route) =>
    route.fulfill({
      status: 409,
      contentType: "application/problem+json",
      body: JSON.stringify({
        type: "urn:floodgauge:problem:conflict",
        title: "its state doesn't allow this",
        status: 409,
        detail: "it can't be paused just now",
        errors: [],
      }),
    }),
  );
  await button(page, "Pause").click();
  const refusal = answer(page).getByRole("alert");
  await expect(refusal).toHaveText("It can't be paused just now.");
  for (let time = 0; time < 2; time += 1) {
    await page.waitForResponse((each) => each.url().endsWith(`${id}/best`));
  }
  await expect(refusal).toHaveText("It can't be paused just now.");
  await button(page, "Dismiss").click();
  await expect(refusal).toHaveCount(0);
  await button(page, "Pause").click();
  await expect(refusal).toBeVisible();
  // So does the next action end it.
  await request.post(`${server.address}v1/sweeps/${id}/pause`);
  await button(page, "Resume").click();
  await expect(refusal).toHaveCount(0);
  await request.post(`${server.address}v1/sweeps/${id}/cancel`);
  expect(faults).toEqual([]);
});

test("a paused sweep can be cancelled", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const id = await submit(request, server.address, endless("paused and cancelled"));
  await open(page, server.address, id);
  await button(page, "Pause").click();
  await expect(status(page)).toHaveText("paused");
  await button(page, "Cancel sweep").click();
  await page.getByRole("group", { name: "Cancel the sweep?" }).getByText("Cancel sweep").click();
  await expect(status(page)).toHaveText("cancelled");
  await expect(rows(page).filter({ hasText: "active" })).toHaveCount(0);
  expect(faults).toEqual([]);
});

test("a sweep that nobody trains says so, but not while it is paused", async ({
  page,
  request,
}) => {
  const idle = await startServer("--workers", "0");
  try {
    const faults = watch(page, idle.address);
    const id = await submit(request, idle.address, quick("waiting"));
    await page.goto(`${idle.address}#/sweeps/${id}`);
    const hint = answer(page).getByRole("note", { name: "Waiting" });
    const command = `floodgauge worker --server ${idle.address}`;
    await expect(status(page)).toHaveText("queued");
    await expect(hint).toContainText("No worker asks this server for work.");
    await expect(hint.locator("pre")).toHaveText(command);
    await button(page, "Pause").click();
    await expect(status(page)).toHaveText("paused");
    await expect(hint).toHaveText("It is paused. Resume it to continue.");
    await button(page, "Resume").click();
    await expect(status(page)).toHaveText("queued");
    await expect(hint.locator("pre")).toHaveText(command);
    expect(faults).toEqual([]);
  } finally {
    await idle.stop();
  }
});

test("a sweep that goes on tells its phase and who leads for now, and no best arm", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const id = await submit(request, server.address, endless("under way"));
  await open(page, server.address, id);
  await expect(status(page)).toHaveText("running");
  const bar = answer(page).getByRole("progressbar", { name: "Progress" });
  await expect.poll(async () => Number(await bar.getAttribute("value"))).toBeGreaterThan(0);
  expect(Number(await bar.getAttribute("value"))).toBeLessThan(1);
  await expect(answer(page).getByText(/^\d+\.\d of at most \d+\.\d runs/)).toBeVisible();
  await expect(answer(page).getByText(/^Preliminary: val_loss after \d+ epochs?/)).toBeVisible();
  await expect(answer(page).locator("[data-best]")).toHaveCount(0);
  await expect(answer(page).getByText(/interval/)).toHaveCount(0);
  await expect(rows(page).first()).toContainText("plain");
  await page.goto(server.address);
  const row = page.getByRole("row", { name: "under way" });
  await expect(row.locator("[data-name='best b']")).toHaveText("–");
  await request.post(`${server.address}v1/sweeps/${id}/cancel`);
  await expect(row).toContainText("cancelled");
  expect(faults).toEqual([]);
});

test("a completed sweep is extended by seeds, levels and epochs, live", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const id = await submit(request, server.address, quick("grown"));
  await ended(request, server.address, id);
  await open(page, server.address, id);
  await expect(page.getByText("6 epochs · 4 arms × 2 seeds")).toBeVisible();
  await expect(rows(page)).toHaveCount(4);

  await button(page, "Extend…").click();
  const dialog = page.getByRole("dialog", { name: "Extend the sweep" });
  const send = dialog.getByRole("button", { name: "Extend sweep" });
  await send.click();
  await expect(dialog.getByRole("alert")).toHaveText("Enter seeds, levels or epochs to add.");
  // What the server refuses is said here too.
  await dialog.getByLabel("Levels", { exact: true }).fill("0.4");
  await send.click();
  const levels = dialog.getByLabel("Levels", { exact: true });
  await expect(levels).toHaveAttribute("aria-invalid", "true");
  await expect(levels).toHaveAccessibleDescription(/0\.4/);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(status(page)).toHaveText("completed");

  await button(page, "Extend…").click();
  await expect(dialog.getByRole("alert")).toHaveCount(0);
  await dialog.getByLabel("Further seeds").fill("1");
  await dialog.getByLabel("Levels", { exact: true }).fill("0.8");
  await dialog.getByLabel("Epochs of a full run").fill("9");
  await send.click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("9 epochs · 5 arms × 3 seeds")).toBeVisible();
  await expect(status(page)).toHaveText("completed");
  await expect(rows(page)).toHaveCount(5);
  await expect(rows(page).filter({ hasText: "completed" })).toHaveCount(5);
  await expect(answer(page).getByText("90 % interval, 3 seeds")).toBeVisible();
  const words = "a user added seeds 2; levels 0.8; epochs up to 9";
  await expect(log(page).getByText(words)).toBeVisible();

  // A page that comes later shows the same.
  const total = await points(page);
  await page.reload();
  await expect.poll(() => points(page)).toBe(total);
  await expect(rows(page)).toHaveCount(5);
  expect(faults).toEqual([]);
});

test("a sweep that is extended elsewhere goes on for whoever comes back to it", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const id = await submit(request, server.address, quick("elsewhere"));
  await ended(request, server.address, id);
  await open(page, server.address, id);
  await expect(status(page)).toHaveText("completed");
  const more = { data: { levels: [0.8] } };
  const answered = await request.post(`${server.address}v1/sweeps/${id}/extend`, more);
  expect(answered.status()).toBe(202);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(rows(page)).toHaveCount(5);
  await expect(status(page)).toHaveText("completed");
  await expect(rows(page).filter({ hasText: "completed" })).toHaveCount(5);
  expect(faults).toEqual([]);
});

test("the verdict's advice is a button that does it: further levels", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const search = { levels: [0.0001, 0.0002], seeds: [0, 1] };
  // It learns: where training failed nothing is advised, and no level at the loss of a guess is.
  const recipe = { dataset: { name: "digits" }, batch_size: 50, epochs: 4 };
  const id = await submit(request, server.address, quick("unreached", { search, recipe }));
  await ended(request, server.address, id);
  await open(page, server.address, id);
  const advice = answer(page).getByRole("button", { name: /^Try levels \d/ });
  await expect(answer(page).getByText(/^No level was reached: try some above/)).toBeVisible();
  await expect(advice).toHaveAttribute("title", new RegExp(`^floodgauge extend ${id} --levels`));
  const levels = ((await advice.textContent()) ?? "").replace("Try levels ", "").split(", ");
  await advice.click();
  await expect(rows(page)).toHaveCount(3 + levels.length);
  await expect(status(page)).toHaveText("completed");
  await page.getByRole("button", { name: "by level" }).click();
  await expect(rows(page).last()).toContainText(levels.at(-1) ?? "");
  await expect(rows(page).filter({ hasText: "completed" })).toHaveCount(3 + levels.length);
  expect(faults).toEqual([]);
});

test("the verdict's advice is a button that does it: further seeds", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const search = { levels: { from: 0.1, to: 1, count: 6 }, seeds: [0] };
  const recipe = { dataset: { name: "spiral" }, batch_size: 50, epochs: 150 };
  const id = await submit(request, server.address, quick("one seed", { search, recipe }));
  await ended(request, server.address, id);
  await open(page, server.address, id);
  await expect(answer(page).getByText("One seed can't say how sure the answer is")).toBeVisible();
  const table = page.getByRole("region", { name: "Standing of the arms" });
  const chance = table.getByRole("columnheader", { name: "P(best)" });
  await expect(chance).toHaveCount(0);
  await button(page, "Try 2 more seeds").click();
  await expect(page.getByText("7 arms × 3 seeds")).toBeVisible();
  await expect(status(page)).toHaveText("completed");
  await expect(answer(page).getByText("90 % interval, 3 seeds")).toBeVisible();
  // Several seeds tell of each arm how probable it is that it is the best.
  await expect(chance).toBeVisible();
  for (const row of await rows(page).all()) await expect(row).toContainText(/(\d|<1|>99) %/);
  expect(faults).toEqual([]);
});

test("the paper's table: early stopping and weight decay, without and with flooding", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const search = { levels: [0.2, 0.4], weight_decay: [0, 0.001], methods: ["flood", "iflood"] };
  const id = await submit(request, server.address, quick("paper", { search }));
  await ended(request, server.address, id);
  await open(page, server.address, id);
  const table = page.getByRole("region", { name: "Table of the paper" });
  await expect(table.getByRole("columnheader")).toHaveText([
    "Early stopping",
    "Weight decay",
    "Without flooding",
    "With flooding",
    "iflood",
  ]);
  await expect(table.locator("tbody tr")).toHaveCount(4);
  for (const stopped of ["no", "yes"]) {
    for (const decay of ["0", "0.001"]) {
      const row = table.getByRole("row", { name: new RegExp(`^${stopped} ${decay} `) });
      // Each cell has its test error above the validation error that chose it.
      await expect(row.locator(".paper-value")).toHaveText(Array(3).fill(/^\d+\.\d\d %/));
      await expect(row.getByText(/b = 0\.[24]$/)).toHaveCount(2);
    }
  }
  await expect(table.locator("[data-best-cell]")).toHaveCount(1);

  const csv = await taken(page, () =>
    page
      .getByRole("group", { name: "Download the table" })
      .getByRole("button", { name: "CSV" })
      .click(),
  );
  expect(csv.name).toBe("paper-table.csv");
  const [head, ...cells] = csv.bytes.toString().trim().split("\r\n");
  expect(head).toMatch(/^early_stopping,weight_decay,/);
  expect(cells).toHaveLength(12);

  // The evidence is of one weight decay, and says of which.
  await page.getByLabel("Evidence with weight decay").selectOption("0.001");
  await expect(rows(page)).toHaveCount(5);
  expect(faults).toEqual([]);
});
