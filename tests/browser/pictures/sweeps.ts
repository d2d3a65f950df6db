/** The sweeps that the pictures show. */

import { spawn } from "node:child_process";
import { expect, type APIRequestContext } from "@playwright/test";

/** Submits a sweep file and waits for its end; answers its id. One that is there by its name is taken as it is. */
export async function train(
  request: APIRequestContext,
  address: string,
  toml: string,
): Promise<string> {
  const name = /^name = "(.*)"$/m.exec(toml)?.[1] ?? "";
  const id = (await idOf(request, address, name)) ?? (await submitted(address, toml));
  // The event stream ends with the sweep.
  await request.get(`${address}v1/sweeps/${id}/events`, { timeout: 0 });
  const answer = await request.get(`${address}v1/sweeps/${id}`);
  expect(((await answer.json()) as { status: string }).status).toBe("completed");
  return id;
}

async function idOf(request: APIRequestContext, address: string, name: string) {
  const answer = await request.get(`${address}v1/sweeps?search=${encodeURIComponent(name)}`);
  const { items } = (await answer.json()) as { items: { id: string; name: string }[] };
  return items.find((item) => item.name === name)?.id;
}

/** Hands a sweep file to the program, as a user would; answers the sweep's id. */
function submitted(address: string, toml: string): Promise<string> {
  const binary = process.env["FLOODGAUGE_BIN"] ?? "";
  const child = spawn(binary, ["submit", "-", "--json", "--server", address], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
  child.stdin.end(toml);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve((JSON.parse(said) as { id: string }).id);
      else reject(new Error(`submit ended with ${code}`));
    });
  });
}
