import { expect, test, type Page } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { ended, open, points, submit, taken, watch, wireTo } from "./support.js";

let server: Server;
/** Three seeds of a full grid, and one of textbook halving. */
let [seeds, halved]: string[] = [];

test.beforeAll(async ({ request }) => {
  server = await startServer();
  seeds = await submit(request, server, { name: "seeds", search: { seeds: [0, 1, 2] } });
  halved = await submit(request, server, {
    name: "halved",
    search: { levels: { from: 0.05, to: 0.4, step: 0.05 } },
    scheduler: { kind: "sha" },
  });
  for (const id of [seeds, halved]) await ended(request, server, id);
});

test.afterAll(async () => {
  await server?.stop();
});

const panel = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
/** Waits until what has happened so far is drawn. */
const drawn = (page: Page) =>
  page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
const readout = (page: Page) => page.locator("#readout");

test("the answer comes first, with how much better and what it cost", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, seeds ?? "");
  const answer = panel(page, "Answer");
  await expect(answer.locator("[data-best]")).toHaveText(
    /^(b = 0\.[1-4]|plain) ?(helps|too close to tell|does not help)$/,
  );
  await expect(answer.getByText(/90 % interval, 3 seeds/)).toBeVisible();
  const ledger = panel(page, "Ledger");
  await expect(ledger.getByRole("row", { name: /^trained/ })).toBeVisible();
  await expect(ledger.getByRole("row", { name: /^full grid/ })).toContainText("15.0");
  const response = panel(page, "Response of the objective to b");
  await response.getByText("As a table").click();
  await expect(response.getByRole("row")).toHaveCount(6);
  expect(faults).toEqual([]);
});

test("the line for a training script stands with the answer, to be copied", async ({
  page,
  context,
  request,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const told = await request.get(`${server.address}v1/sweeps/${halved}/best`);
  const { best, paste } = await told.json();
  // Where plain is best there is nothing to paste.
  expect(paste?.line ?? null).toBe(
    best.method === "plain" ? null : `loss = (loss - ${best.b}).abs() + ${best.b}`,
  );
  await open(page, server.address, halved ?? "");
  const line = panel(page, "Answer").getByRole("group", { name: "For your training script" });
  await expect(line).toHaveCount(paste ? 1 : 0);
  if (!paste) return;
  await expect(line).toContainText(`In PyTorch, ${paste.words}`);
  await line.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(line).toContainText("copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(paste.line);
});

test("several seeds are one curve with its range, each by itself, or one alone", async ({
  page,
}) => {
  const faults = watch(page, server.address);
  await open(page, server.address, seeds ?? "");
  const mean = await points(page);
  await page.getByLabel("Seeds", { exact: true }).selectOption("3 seeds, each");
  await expect.poll(() => points(page)).toBe(3 * mean);
  await page.getByLabel("Seeds", { exact: true }).selectOption("seed 1 alone");
  await expect.poll(() => points(page)).toBe(mean);
  const table = page.getByRole("region", { name: "Standing of the arms" });
  await expect(table.getByRole("columnheader", { name: "Seeds" })).toHaveCount(0);
  await page.getByLabel("Seeds", { exact: true }).selectOption("3 seeds: mean and range");
  await expect(table.getByRole("columnheader", { name: "Seeds" })).toBeVisible();
  expect(faults).toEqual([]);
});

test("curves can be chosen, smoothed and drawn on a logarithmic scale", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, halved ?? "");
  const both = await points(page);
  await page.getByRole("button", { name: "training" }).click();
  await expect.poll(() => points(page)).toBe(both / 2);
  await page.getByRole("button", { name: "val_error" }).click();
  await expect.poll(() => points(page)).toBe(both / 2);
  await page.getByRole("button", { name: "lr", exact: true }).click();
  await expect(page.getByRole("button", { name: "validation" })).toBeDisabled();
  await expect.poll(() => points(page)).toBe(both / 2);
  await page.getByRole("button", { name: "gradient" }).click();
  await expect(page.getByRole("button", { name: "validation" })).toBeDisabled();
  await expect.poll(() => points(page)).toBe(both / 2);
  await page.getByRole("button", { name: "val_loss", exact: true }).click();
  await page.getByRole("button", { name: "log", exact: true }).click();
  await expect.poll(() => points(page)).toBe(both / 2);
  const smooth = page.getByRole("slider", { name: "smooth" });
  await smooth.focus();
  await page.keyboard.press("ArrowRight");
  await expect(smooth).toHaveAttribute("aria-valuetext", "over 3 epochs");
  await expect.poll(() => points(page)).toBe(both / 2);
  expect(faults).toEqual([]);
});

test("the pointer names an arm and its numbers, and a click isolates it", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, halved ?? "");
  const over = page.locator(".chart .u-over");
  // It is drawn once its curves have come.
  await expect(over).toBeVisible();
  const box = await over.boundingBox();
  if (!box) throw new Error("the chart has no area");
  // Somewhere in this column lies a validation curve.
  const at = { x: box.width * 0.9, y: 0 };
  const tip = page.locator(".chart-frame .tip-box");
  for (at.y = 4; at.y < box.height && !(await tip.isVisible()); at.y += 12) {
    await over.hover({ position: at });
    await drawn(page);
  }
  await expect(tip).toContainText(/(flood b=|plain).*epoch \d+.*val_loss [\d.]+/);
  await over.click({ position: { x: at.x, y: at.y - 12 } });
  const picked = page
    .getByRole("region", { name: "Standing of the arms" })
    .locator("[aria-pressed=true]");
  await expect(picked).toHaveCount(1);
  // The log is about the isolated arm.
  await expect(panel(page, "Log").getByLabel("Arm", { exact: true })).not.toHaveValue("");
  await page.locator(".chart").press("Escape");
  await expect(picked).toHaveCount(0);
  await expect(panel(page, "Log").getByLabel("Arm", { exact: true })).toHaveValue("");
  expect(faults).toEqual([]);
});

test("curves are read by keyboard", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, seeds ?? "");
  await page.getByLabel("Seeds", { exact: true }).selectOption("seed 0 alone");
  const chart = page.locator(".chart");
  await page.getByRole("button", { name: "0.3", exact: true }).click();
  await expect(readout(page)).toContainText("flood b=0.3");
  await chart.press("ArrowUp");
  await expect(readout(page)).toContainText("flood b=0.4");
  await chart.press("ArrowLeft");
  await expect(readout(page)).toContainText("epoch 39");
  await expect(readout(page)).toContainText(/gradient [\d.]+/);
  await expect(readout(page)).toContainText(/ascending \d+ %, \d+ steps so far/);
  await chart.press("Escape");
  await expect(readout(page)).toContainText("Point at a curve");
  expect(faults).toEqual([]);
});

test("rungs tell who went on, who went, and why", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, halved ?? "");
  const rungs = panel(page, "Rungs");
  await expect(
    rungs.getByRole("heading", { name: /^Rung 1 · epoch \d+ · 8 compared/ }),
  ).toBeVisible();
  await rungs.getByText("Who and why").first().click();
  const decisions = rungs.getByRole("region", { name: "Decisions of the rung" });
  await expect(decisions.getByRole("row")).toHaveCount(9);
  await expect(
    decisions.getByRole("row", { name: /pruned.*is rank \d of 8/ }).first(),
  ).toBeVisible();
  await rungs
    .getByRole("button", { name: /, pruned$/ })
    .first()
    .click();
  await expect(readout(page)).toContainText(/pruned at rung/);
  expect(faults).toEqual([]);
});

test("the log is told in words, of one arm if one asks", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, halved ?? "");
  const log = panel(page, "Log");
  const lines = log.getByRole("listitem");
  const all = await lines.count();
  await log.getByLabel("Arm", { exact: true }).selectOption("plain");
  await expect(lines.filter({ hasText: "plain" }).first()).toBeVisible();
  expect(await lines.count()).toBeLessThan(all);
  await expect(lines.filter({ hasText: /^\S+\s*pruned/ })).toHaveCount(0);
  const worker = panel(page, "Workers").getByRole("listitem");
  await expect(worker).toHaveCount(1);
  await expect(worker).toContainText("flex");
  expect(faults).toEqual([]);
});

test("curves, response and model can be taken away", async ({ page }) => {
  const faults = watch(page, server.address);
  await open(page, server.address, seeds ?? "");
  const curves = page.getByRole("group", { name: "Download the curves" });
  const response = page.getByRole("group", { name: "Download the response" });
  const take = (of: typeof curves, name: string) =>
    taken(page, () => of.getByRole("button", { name, exact: true }).click());

  const table = await take(curves, "CSV");
  expect(table.name).toBe("seeds-curves.csv");
  expect(table.bytes.toString().split("\r\n")[0]).toMatch(/^family,seed,.*,onset_step,lr$/);
  const grid = await take(curves, "grid JSON");
  expect(JSON.parse(grid.bytes.toString())).toMatchObject({ task: "seeds", epochs: 40 });
  for (const group of [curves, response]) {
    const svg = (await take(group, "SVG")).bytes.toString();
    expect(svg).toMatch(/^<svg .*<\/svg>$/s);
    expect(svg).not.toMatch(/var\(--|NaN|undefined/);
    const png = await take(group, "PNG");
    expect(png.name).toMatch(/^seeds-(curves|response)\.png$/);
    expect(png.bytes.subarray(1, 4).toString()).toBe("PNG");
    // Width and height, as the header has them: twice the figure's.
    expect(png.bytes.readUInt32BE(16)).toBeGreaterThanOrEqual(1600);
  }
  const figures = (await take(response, "CSV")).bytes.toString().split("\r\n");
  expect(figures[0]).toMatch(/^arm,method,b,objective/);
  expect(figures.length).toBe(1 + 5 + 1);

  await page.getByText("Model", { exact: true }).click();
  const model = await taken(page, () => page.getByRole("link", { name: "seed 1" }).click());
  expect(model.name).toMatch(/^seeds-1\.\d\.safetensors$/);
  const length = Number(model.bytes.readBigUInt64LE(0));
  const header = JSON.parse(model.bytes.subarray(8, 8 + length).toString());
  expect(Object.keys(header)).toEqual(
    expect.arrayContaining(["__metadata__", "layers.0.weight", "layers.1.bias"]),
  );
  expect(faults).toEqual([]);
});

test("a stream that is cut goes on where it was, without gap or double", async ({
  page,
  request,
}) => {
  const wire = await wireTo(server);
  try {
    const id = await submit(request, server, { name: "cut", epochs: 1_500 });
    const seen: number[] = [];
    await page.exposeFunction("seen", (seq: number) => seen.push(seq));
    await page.addInitScript(() => {
      const original = EventSource.prototype.addEventListener;
      EventSource.prototype.addEventListener = function (
        this: EventSource,
        type: string,
        listener: never,
      ) {
        const both = (message: MessageEvent<string>) => {
          (window as unknown as { seen: (seq: number) => void }).seen(Number(message.lastEventId));
          (listener as (message: MessageEvent<string>) => void)(message);
        };
        original.call(this, type, both as never);
      } as never;
    });
    await open(page, wire.address, id);
    const first = await points(page);
    wire.cut();
    await expect(page.getByText("reconnecting…")).toBeVisible();
    wire.mend();
    await expect.poll(() => points(page)).toBeGreaterThan(first);
    await expect(page.getByText("reconnecting…")).toHaveCount(0);
    await expect(page.getByRole("status")).toHaveText("completed");

    // All of the log came, each entry once.
    const newest = seen.at(-1) ?? 0;
    expect(newest).toBeGreaterThan(3);
    expect(seen).toEqual(Array.from({ length: newest }, (_, i) => i + 1));
    // And a page that was never cut shows the same.
    const total = await points(page);
    await open(page, server.address, id);
    await expect.poll(() => points(page)).toBe(total);
  } finally {
    await wire.close();
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 390, 1440]) {
    test(`it fits a window of ${width} pixels, ${colorScheme}`, async ({ browser }) => {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      const faults = watch(page, server.address);
      for (const id of [seeds, halved]) {
        await open(page, server.address, id ?? "");
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide).toBeLessThanOrEqual(width);
      }
      expect(faults).toEqual([]);
      await page.close();
    });
  }
}

test("what isn't there is said in words", async ({ page }) => {
  await page.goto(`${server.address}#/sweeps/019b76da-a800-7000-8000-000000000000`);
  await expect(page.getByRole("heading", { name: "There is no such sweep" })).toBeVisible();
  await expect(page.getByRole("link", { name: "All sweeps" })).toBeVisible();
});
