/** A real server with its own empty data folder, on a free loopback port. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export interface Server {
  /** `http://127.0.0.1:PORT/`, with the base path if there is one. */
  readonly address: string;
  /** Makes a token in its database; from then on the server asks for one. */
  token(name: string, scope: string): Promise<string>;
  /** Revokes a token. */
  revoke(name: string): Promise<void>;
  /** Has the process stand still, with all its connections open, until it is thawed. */
  freeze(): void;
  thaw(): void;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** Starts the binary that FLOODGAUGE_BIN names, and waits until it tells its address. */
export async function startServer(...flags: string[]): Promise<Server> {
  const binary = process.env["FLOODGAUGE_BIN"];
  if (!binary) throw new Error("FLOODGAUGE_BIN must name the floodgauge binary");
  const folder = await mkdtemp(join(tmpdir(), "floodgauge-browser-"));
  const serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder, ...flags];
  const child = spawn(binary, serve, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async () => {
    // One that stands still hears of no end.
    child.kill("SIGCONT");
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const token = async (...args: string[]) => {
      const printed = await promisify(execFile)(binary, ["token", ...args, "--data-dir", folder]);
      return printed.stdout.trim();
    };
    return {
      address: await listeningAddress(child),
      token: (name, scope) => token("create", name, "--scope", scope),
      revoke: async (name) => void (await token("revoke", name)),
      freeze: () => void child.kill("SIGSTOP"),
      thaw: () => void child.kill("SIGCONT"),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The address that it says to listen on; what else it says, other addresses among it, is for an error. */
function listeningAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const onLine = (line: string) => {
      said.push(line);
      const address = /^listening on (http:\/\/127\.0\.0\.1:\d+[\w./~-]*)/.exec(line)?.[1];
      if (address) resolve(address.endsWith("/") ? address : `${address}/`);
    };
    for (const pipe of [child.stdout, child.stderr]) {
      // Read to the end, or a full pipe would stop the server.
      if (pipe) createInterface(pipe).on("line", onLine);
    }
    child.once("error", reject);
    child.once("exit", (code) => {
      reject(new Error(`the server ended with ${code} before it listened:\n${said.join("\n")}`));
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
