import { expect, test } from "@playwright/test";
import { startServer, type Server } from "./server.js";
import { ended, overhang, quick, seriousFindings, submit } from "./quick.js";
import { watch } from "./support.js";

test.describe.configure({ mode: "serial" });

let server: Server;
let views: Record<string, string>;

test.beforeAll(async ({ request }) => {
  server = await startServer();
  const search = {
    levels: { from: 0.01, to: 1, count: 5 },
    methods: ["flood", "iflood"],
    seeds: [0, 1],
  };
  const one = await submit(request, server.address, quick("one"));
  const two = await submit(request, server.address, quick("two", { search }));
  await ended(request, server.address, one);
  await ended(request, server.address, two);
  views = {
    list: "#/",
    new: "#/new",
    sweep: `#/sweeps/${one}`,
    compare: `#/compare/${one},${two}`,
    lost: "#/nowhere",
    docs: "docs",
  };
});

test.afterAll(async () => {
  await server?.stop();
});

/** What a view shows once all that it asks the server for has come. */
const whole: Record<string, string> = {
  list: "tbody a",
  new: "form input",
  sweep: "[data-points]",
  compare: ".response svg",
};

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`nothing keeps people out, ${colorScheme}, ${width} pixels wide`, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const faults = watch(page, server.address);
      for (const [name, path] of Object.entries(views)) {
        await page.goto(server.address + path);
        await expect(page.getByRole("heading").first()).toBeAttached();
        await expect(page.locator(whole[name] ?? "h1").first()).toBeVisible();
        // All that can be opened is looked at too.
        await page.evaluate(() => {
          document
            .querySelectorAll("main details")
            .forEach((closed) => closed.setAttribute("open", ""));
        });
        expect(await seriousFindings(page), name).toEqual([]);
        expect(await overhang(page), `${name} is too wide`).toBe(0);
      }
      expect(faults).toEqual([]);
      await context.close();
    });
  }
}

test("colours follow the system until they are chosen, and the choice is kept", async ({
  page,
}) => {
  const ground = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const [light, dark] = ["rgb(246, 247, 248)", "rgb(16, 20, 24)"];
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(server.address);
  expect(await ground()).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await ground()).toBe(dark);
  await page.getByLabel("Colours").selectOption("light");
  expect(await ground()).toBe(light);
  await page.reload();
  await expect(page.getByLabel("Colours")).toHaveValue("light");
  expect(await ground()).toBe(light);
  await page.goto(`${server.address}docs`);
  await expect.poll(ground).toBe(light);
  await page.goto(server.address);
  await page.getByLabel("Colours").selectOption("auto");
  expect(await ground()).toBe(dark);
});
