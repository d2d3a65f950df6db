import { spawnSync } from "node:child_process";
import { expect, test, type Page } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { ended, quick, submit } from "./quick.js";
import { watch } from "./support.js";

test.describe.configure({ mode: "serial" });

let server: Server;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server?.stop();
});

async function openForm(page: Page) {
  await page.goto(`${server.address}#/new`);
  await expect(page.getByRole("heading", { name: "New sweep" })).toBeVisible();
}

/** What the form would send. */
async function spelled(page: Page, way: "TOML" | "JSON" | "curl"): Promise<string> {
  const details = page.locator("details.as-file");
  if ((await details.getAttribute("open")) === null) await details.locator("summary").click();
  await page.getByRole("button", { name: way, exact: true }).click();
  return (await page.getByLabel(`The sweep as ${way}`).textContent()) ?? "";
}

test("each kind brings its own fields, with the server's defaults and bounds", async ({ page }) => {
  const faults = watch(page, server.address);
  await openForm(page);
  await expect(page.getByLabel("Hidden layers")).toHaveValue("128, 128");
  await page.getByLabel("Model", { exact: true }).selectOption("residual (ResNet)");
  await expect(page.getByLabel("Depth")).toHaveValue("20");
  await expect(page.getByLabel("Depth")).toHaveAccessibleDescription("6n + 2 layers, 8 to 110");
  await expect(page.getByLabel("Hidden layers")).toHaveCount(0);
  await page.getByLabel("Optimiser").selectOption("AdamW");
  await expect(page.getByLabel("β₂")).toHaveValue("0.999");
  await expect(page.getByLabel("β₂")).toHaveAccessibleDescription("0 to below 1");
  await page.getByLabel("Learning-rate schedule").selectOption("in steps");
  await expect(page.getByLabel("A step every")).toHaveValue("30");
  await page.getByLabel("Gradient penalty").check();
  await expect(page.getByLabel("Penalty’s ρ")).toHaveValue("0.05");
  await page.getByLabel("Scheduler", { exact: true }).selectOption("textbook successive halving");
  await expect(page.getByLabel("Eta")).toHaveAccessibleDescription(
    "one arm in eta goes on, 2 to 100",
  );
  const json = JSON.parse(await spelled(page, "JSON")) as {
    recipe: { model: object; optimizer: object };
    search: { methods: object };
  };
  expect(json.recipe.model).toEqual({ kind: "resnet", depth: 20, width: 16 });
  expect(json.recipe.optimizer).toMatchObject({
    kind: "adamw",
    schedule: { kind: "step", every: 30 },
  });
  expect(json.search.methods).toEqual([
    "flood",
    { kind: "gradient_penalty", lambda: [0.01], rho: 0.05 },
  ]);
  expect(faults).toEqual([]);
});

test("a form that can't be fetched says so, and is there once the page is loaded anew", async ({
  page,
}) => {
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "Sweeps", level: 1 })).toBeVisible();
  await page.route("**/assets/*.js", (route) => route.abort());
  await page.getByRole("link", { name: "New sweep" }).first().click();
  await expect(page.getByRole("alert")).toContainText("is the server still there?");
  await page.unroute("**/assets/*.js");
  await page.getByRole("button", { name: "Load the page anew" }).click();
  await expect(page.getByRole("heading", { name: "New sweep" })).toBeVisible();
});

test("errors of methods and of groups stand where they belong", async ({ page }) => {
  const faults = watch(page, server.address);
  await openForm(page);
  await page.getByLabel("Flooding").uncheck();
  await page.getByLabel("Alternating steps").check();
  await page.getByLabel("Rates down/up").fill("0.1/0.2");
  await page.getByLabel("Data set", { exact: true }).selectOption("spiral (generated)");
  await page.getByLabel("Mirror every second image").check();
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page.getByLabel("Rates down/up")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText("the rates [0.1, 0.2] must fall and be above 0")).toBeVisible();
  const model = page.getByRole("group", { name: "Model" });
  await expect(model.getByText("only images can be augmented, which spiral are not")).toBeVisible();
  // The first of what is wrong.
  await expect(model.getByRole("alert")).toBeFocused();
  await page.getByLabel("Mirror every second image").uncheck();
  await expect(model.getByRole("alert")).toHaveCount(0);
  expect(faults).toEqual([]);
});

test("the sweep as TOML and as a command is what the server takes", async ({ page, context }) => {
  const faults = watch(page, server.address);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openForm(page);
  await page.getByLabel("Name").fill(`it's "quoted"`);
  await page.getByLabel("Softad").check();
  const toml = await spelled(page, "TOML");
  await page.getByRole("button", { name: "Copy TOML" }).click();
  await expect(page.getByText("TOML copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(toml);

  const binary = process.env["FLOODGAUGE_BIN"] ?? "";
  const taken = spawnSync(binary, ["submit", "-", "--json", "--server", server.address], {
    input: toml,
    encoding: "utf8",
  });
  expect(taken.status, taken.stderr).toBe(0);
  const listed = await page.request.get(`${server.address}v1/sweeps`);
  const { items } = (await listed.json()) as {
    items: { id: string; name: string; arms: number }[];
  };
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({ name: `it's "quoted"`, arms: 41 });
  await page.request.post(`${server.address}v1/sweeps/${items[0]?.id}/cancel`);

  // A shell reads from the command the body that the form would send.
  const json = JSON.parse(await spelled(page, "JSON")) as object;
  const command = await spelled(page, "curl");
  const said = spawnSync("bash", ["-c", `curl() { printf '%s\\n' "$@"; }\n${command}`], {
    encoding: "utf8",
  });
  const words = said.stdout.trimEnd().split("\n");
  expect(words.at(-1)).toBe(`${server.address}v1/sweeps`);
  expect(JSON.parse(words.at(-2) ?? "")).toEqual(json);
  expect(faults).toEqual([]);
});

test("a new sweep begins as a past one", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const past = await submit(request, server.address, quick("past"));
  await ended(request, server.address, past);
  await page.goto(server.address);
  await page.getByRole("row", { name: "past" }).getByRole("link", { name: "Again" }).click();
  await expect(page.getByText("Filled in as “past”.")).toBeVisible();
  await expect(page.getByLabel("Levels", { exact: true })).toHaveValue("0.2, 0.4, 0.6");
  await expect(page.getByLabel("Seeds")).toHaveValue("0, 1");
  await expect(page.getByLabel("Scheduler", { exact: true })).toHaveValue("grid");
  await page.getByLabel("Name").fill("again");
  await page.getByRole("button", { name: "Submit sweep" }).click();
  await expect(page.getByRole("heading", { name: "again", level: 1 })).toBeVisible();
  await page.goto(`${server.address}#/new?from=${"0".repeat(8)}-0000-7000-8000-${"0".repeat(12)}`);
  await expect(page.getByText(/the sweep can't be begun from: no sweep/)).toBeVisible();
  expect(faults.filter((fault) => !fault.includes("404"))).toEqual([]);
});

test("a CSV file is looked at, sent, refused with its place or chosen", async ({ page }) => {
  const faults = watch(page, server.address);
  await openForm(page);
  await page.getByText("Upload a data set").click();
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 5},${i % 3}`);
  const csv = (lines: string[]) => ({
    name: "Field Beans.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(["width,height,label", ...lines].join("\n")),
  });

  // The class is text in one row, which only the server sees: it reads all of the file.
  await page.getByLabel("File").setInputFiles(csv([...rows, "1,2,three"]));
  await expect(page.getByText("61 samples, 2 features; 4 classes")).toBeVisible();
  await page.getByRole("button", { name: /^Upload \d+ B$/ }).click();
  await expect(page.getByRole("alert")).toContainText(/row 6[12] \(line 62\)/);

  await page.getByLabel("File").setInputFiles(csv(rows));
  await expect(page.getByText("60 samples, 2 features; 3 classes: 0, 1, 2")).toBeVisible();
  const preview = page.getByRole("region", { name: "The first rows" });
  await expect(preview.getByRole("columnheader")).toHaveText(["width", "height", "label"]);
  await expect(page.getByLabel("Data set name")).toHaveValue("field-beans");
  await page.getByRole("button", { name: /^Upload/ }).click();
  await expect(
    page.getByText("“field-beans” is there and chosen: 2 features, 3 classes."),
  ).toBeVisible();
  await expect(page.getByLabel("Data set", { exact: true })).toHaveValue("field-beans");
  await expect(page.getByLabel("Training samples")).toHaveAttribute("placeholder", "36");

  // Under the same name other bytes are refused.
  await page.getByLabel("File").setInputFiles(csv(rows.slice(1)));
  await page.getByRole("button", { name: /^Upload/ }).click();
  await expect(page.getByRole("alert")).toContainText("field-beans");
  expect(faults).toEqual([]);
});

test("features far apart in scale are warned of before the sweep is paid, until they are standardised", async ({
  page,
}) => {
  const faults = watch(page, server.address);
  await openForm(page);
  await page.getByText("Upload a data set").click();
  const rows = Array.from({ length: 120 }, (_, i) => `${i / 100},${i * 1_000},${i % 3}`);
  const buffer = Buffer.from(["share,income,label", ...rows].join("\n"));
  const file = { name: "incomes.csv", mimeType: "text/csv", buffer };
  await page.getByLabel("File").setInputFiles(file);
  await page.getByRole("button", { name: /^Upload/ }).click();
  const warnings = page.getByRole("list", { name: "Warnings" });
  await expect(warnings).toContainText(
    "column 2 goes from 0 to 119,000, column 1 goes from 0 to 1.19",
  );
  await expect(warnings).toContainText("standardize = true");
  await page.getByLabel("Standardise features").check();
  await expect(warnings).toHaveCount(0);
  await expect(page.getByText("run-equivalents; the full grid takes")).toBeVisible();
  expect(faults).toEqual([]);
});

test("a large upload tells how far it is, and can be stopped", async ({ page }) => {
  await openForm(page);
  await page.getByText("Upload a data set").click();
  const large = Buffer.alloc(8 << 20, "0.123,0.456,1\n");
  await page
    .getByLabel("File")
    .setInputFiles({ name: "large.csv", mimeType: "text/csv", buffer: large });
  await expect(page.getByText(/about \d+ samples, 2 features/)).toBeVisible();
  // Slow enough that there is something to see.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 1 << 20,
  });
  await page.getByRole("button", { name: /^Upload 8\.4 MB$/ }).click();
  const bar = page.getByRole("progressbar", { name: "Uploaded" });
  await expect.poll(async () => Number(await bar.getAttribute("value"))).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("alert")).toContainText("the upload was stopped");
  await expect(bar).toHaveCount(0);
});

test("an NPZ file without its arrays is told so before it is sent", async ({ page }) => {
  await openForm(page);
  await page.getByText("Upload a data set").click();
  const nothing = Buffer.alloc(22);
  nothing.writeUInt32LE(0x06054b50);
  const file = { name: "a.npz", mimeType: "application/zip", buffer: nothing };
  await page.getByLabel("File").setInputFiles(file);
  await expect(page.getByRole("alert")).toContainText("it needs arrays x and y, and holds none");
  await expect(page.getByRole("button", { name: /^Upload/ })).toHaveCount(0);
});

test("a sweep is submitted by the keyboard alone", async ({ page }) => {
  const faults = watch(page, server.address);
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "Sweeps" })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await tabTo(page, "New sweep");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "New sweep" })).toBeVisible();
  await tabTo(page, "Name");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("by keys");
  await tabTo(page, "Data set");
  await page.keyboard.type("spiral");
  await tabTo(page, "Batch size");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("50");
  await tabTo(page, "Epochs");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("3");
  await tabTo(page, "iFlood");
  await page.keyboard.press("Space");
  await expect(page.getByLabel("iFlood")).toBeChecked();
  await tabTo(page, "Submit sweep");
  // Whoever works by the keyboard sees where they are.
  const outline = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement ?? document.body);
    return `${style.outlineStyle} ${style.outlineWidth}`;
  });
  expect(outline).toBe("solid 2px");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "by keys", level: 1 })).toBeVisible();
  expect(faults).toEqual([]);
});

/** Tabs on until what has that name has the focus. */
async function tabTo(page: Page, name: string) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    const reached = await page.evaluate(() => {
      const at = document.activeElement;
      const labels = (at as HTMLInputElement | null)?.labels;
      return (labels?.[0]?.textContent ?? at?.textContent ?? "").trim();
    });
    if (reached === name) return;
  }
  throw new Error(`${name} can't be reached by the tabulator`);
}
