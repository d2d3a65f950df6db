import { expect, test } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { ended, overhang, quick, submit } from "./quick.js";
import { watch, wireTo } from "./support.js";

test.describe.configure({ mode: "serial" });

let server: Server;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server?.stop();
});

test("a row tells live how far its sweep is, its best curve and what it cost", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "No sweeps yet" })).toBeVisible();
  // It learns: where training failed no best arm is named.
  const recipe = { dataset: { name: "digits" }, batch_size: 50, epochs: 4 };
  await submit(request, server.address, quick("first", { recipe }));
  const row = page.getByRole("row", { name: "first" });
  await expect(row).toContainText("completed");
  const curve = row.getByRole("img", { name: /^val_loss of the best arm, from \d/ });
  await expect(curve.locator("path")).toHaveAttribute("d", /^M3 .*L85 /);
  await expect(row.locator("[data-name='best b']")).not.toHaveText("–");
  await expect(row.locator("[data-name='cost']")).toContainText("/ 8.0");
  expect(faults).toEqual([]);
});

test("what a sweep came to is told in the list, on its page, and where sweeps are compared", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const search = { levels: [0.2, 0.4, 0.6], seeds: [0] };
  const recipe = { dataset: { name: "digits" }, batch_size: 50, epochs: 4 };
  const id = await submit(request, server.address, quick("single", { search, recipe }));
  await ended(request, server.address, id);
  const told = await request.get(`${server.address}v1/sweeps/${id}/best`);
  const { finding, sentence, points } = (await told.json()) as {
    finding: string;
    sentence: string;
    points: string[];
  };
  // A few epochs may be too few to get below any level.
  const words = finding === "one_seed" ? "one seed" : "nothing to flood";
  await page.goto(server.address);
  const row = page.getByRole("row", { name: "single" });
  await expect(row.locator("[data-name='finding']")).toHaveText(words);
  await row.getByRole("link", { name: "single" }).click();
  const answer = page.getByRole("region", { name: "Answer", exact: true });
  await expect(answer.locator(".headline")).toContainText(words);
  // One sentence, and the others below it.
  await expect(answer.locator("p.verdict")).toHaveText(sentence);
  expect(sentence).not.toMatch(/\. /);
  await expect(answer.locator(".points li").last()).toHaveText(points.at(-1) ?? "");
  await page.goto(`${server.address}#/compare/${id}`);
  const card = page.getByRole("region", { name: "single", exact: true });
  await expect(card).toContainText(words);
  await expect(card.locator(".verdict")).toHaveText(sentence);
  await request.delete(`${server.address}v1/sweeps/${id}`);
  expect(faults).toEqual([]);
});

test("the list is cut to a status, and to a name within it", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const long = await submit(
    request,
    server.address,
    quick("endless", { recipe: { dataset: { name: "spiral" }, batch_size: 50, epochs: 20_000 } }),
  );
  await page.goto(server.address);
  const rows = page.getByRole("region", { name: "Sweeps" }).locator("tbody tr");
  await expect(rows).toHaveCount(2);
  await page.getByLabel("Status").selectOption("running");
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("endless");
  // A sweep that leaves the status leaves the list.
  await request.post(`${server.address}v1/sweeps/${long}/cancel`);
  await expect(page.getByText("No sweep is running.")).toBeVisible();
  await page.getByLabel("Status").selectOption("cancelled");
  await page.getByLabel("Search sweeps").fill("first");
  await expect(page.getByText("No cancelled sweep has “first” in its name")).toBeVisible();
  await page.getByRole("button", { name: "Show all sweeps" }).click();
  await expect(rows).toHaveCount(2);
  await expect(page.getByLabel("Status")).toHaveValue("");
  expect(faults).toEqual([]);
});

test("sweeps that are ticked are compared: answers, responses, what differs", async ({
  page,
  request,
}) => {
  const faults = watch(page, server.address);
  const search = { levels: { from: 0.01, to: 1, count: 4 }, methods: ["flood", "softad"] };
  const second = await submit(request, server.address, quick("second", { search }));
  await ended(request, server.address, second);
  await page.goto(server.address);
  await page.getByLabel("Compare first").check();
  await expect(page.getByText("1 sweep: tick another to compare")).toBeVisible();
  await page.getByLabel("Compare second").check();
  await page.getByRole("link", { name: "Compare", exact: true }).click();

  for (const name of ["first", "second"]) {
    const card = page.getByRole("region", { name, exact: true });
    await expect(card.getByText("completed")).toBeVisible();
    await expect(card.locator(".verdict")).not.toBeEmpty();
  }
  const response = page.getByRole("region", { name: "Response, val_loss" });
  await expect(response.getByRole("img")).toHaveAccessibleName(
    /against the flood level, for first, second/,
  );
  // Three levels, and four of each of two methods.
  await expect(response.locator("figure svg:not(.key) .mark")).toHaveCount(11);
  await response.getByText("As a table").click();
  const table = response.getByRole("table");
  await expect(table.getByRole("columnheader")).toHaveText([
    "b",
    "first",
    "second",
    "second, softad",
  ]);
  await expect(table.getByRole("row", { name: "plain" })).toContainText(/\d\.\d{4}/);
  const differing = page.getByRole("region", { name: "What differs" });
  await expect(differing.getByRole("row", { name: "search.methods" })).toContainText(
    "flood, softad",
  );
  await page.getByRole("link", { name: "Remove second" }).click();
  await expect(page.getByRole("region", { name: "second", exact: true })).toHaveCount(0);
  expect(faults).toEqual([]);
});

test("a stream that was cut is taken up again, and nothing is missed", async ({
  page,
  request,
}) => {
  const line = await wireTo(server);
  await page.goto(line.address);
  const rows = page.getByRole("region", { name: "Sweeps" }).locator("tbody tr");
  await expect(rows).toHaveCount(3);
  line.cut();
  const missed = await submit(request, server.address, quick("missed"));
  await ended(request, server.address, missed);
  line.mend();
  const row = page.getByRole("row", { name: "missed" });
  await expect(row).toContainText("completed");
  // What comes after is heard as before.
  await submit(request, server.address, quick("heard"));
  await expect(page.getByRole("row", { name: "heard" })).toContainText("completed");
  await line.close();
});

test("long names and many arms fit from 360 pixels to 4K", async ({ page, request }) => {
  const faults = watch(page, server.address);
  const name = `A name of a hundred characters ${"without_any_place_to_break_it".repeat(3)}`.slice(
    0,
    100,
  );
  const search = { levels: { from: 0.005, to: 1, step: 0.005 } };
  const recipe = { dataset: { name: "spiral" }, batch_size: 100, epochs: 1 };
  const many = await submit(request, server.address, quick(name, { search, recipe }));
  const one = await submit(request, server.address, quick("one", { search: { levels: [0.3] } }));
  await ended(request, server.address, many);
  await ended(request, server.address, one);
  for (const [width, height] of [
    [360, 640],
    [390, 844],
    [1440, 900],
    [3840, 2160],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const view of ["#/", `#/compare/${many},${one}`]) {
      await page.goto(server.address + view);
      await expect(page.getByRole("link", { name }).first()).toBeVisible();
      await expect.poll(() => overhang(page), { message: `${view} at ${width}` }).toBe(0);
    }
  }
  expect(faults).toEqual([]);
});
