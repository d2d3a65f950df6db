/** Signing in, on a server that asks for a token. */

import { expect, test } from "@playwright/test";
import { startServer, type Server } from "./server.js";

let server: Server;

test.beforeEach(async () => {
  server = await startServer();
});

test.afterEach(async () => {
  await server.stop();
});

test("a reader signs in with a token, and out again", async ({ page, context }) => {
  const token = await server.token("ada", "submit");
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.getByLabel("Token").fill(token.replace(/.$/, (end) => (end === "0" ? "1" : "0")));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("unknown, revoked or has expired");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "No sweeps yet" })).toBeVisible();
  await expect(page.getByText("ada")).toBeVisible();

  // The cookie is no script's, and no token; it serves a page that is loaded anew.
  expect(await page.evaluate(() => document.cookie)).toBe("");
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
  expect(cookie?.value).not.toBe(token);
  await page.reload();
  await expect(page.getByRole("heading", { name: "No sweeps yet" })).toBeVisible();

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(await context.cookies()).toEqual([]);
});

test("a page whose token is revoked is led to the sign-in", async ({ page }) => {
  const token = await server.token("ada", "submit");
  await page.goto(server.address);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "No sweeps yet" })).toBeVisible();
  await server.revoke("ada");
  await page.getByRole("link", { name: "New sweep", exact: true }).first().click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});
