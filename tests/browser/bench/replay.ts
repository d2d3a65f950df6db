/** A server that hands out the built page and replays a log to it, as fast as one asks for. */

import { existsSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { answers, entries, stream } from "./sweep.js";

const DIST = join(import.meta.dirname, "../../../web/dist");

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

export interface Replay {
  readonly address: string;
  /** Entries in all. */
  readonly length: number;
  /** Sends so many further entries at once. */
  burst(count: number): void;
  /** Sends so many further entries at an even rate, in entries a second; ends when all are sent. */
  pour(count: number, rate: number): Promise<void>;
  close(): Promise<void>;
}

export async function startReplay(): Promise<Replay> {
  const log = entries();
  const open = new Set<ServerResponse>();
  let sent = 0;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (path === stream) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (let seq = 1; seq <= sent; seq += 1) write(response, seq);
      open.add(response);
      response.on("close", () => open.delete(response));
      return;
    }
    const answer = answers[path];
    if (answer) {
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify(answer));
    }
    const file = join(DIST, path === "/" ? "index.html" : path);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.end(readFileSync(file));
  });

  function write(response: ServerResponse, seq: number) {
    const entry = log[seq - 1];
    const type = /"event":\{"type":"(\w+)"/.exec(entry ?? "")?.[1];
    response.write(`id: ${seq}\nevent: ${type}\ndata: ${entry}\n\n`);
  }

  function burst(count: number) {
    const until = Math.min(log.length, sent + count);
    while (sent < until) {
      sent += 1;
      for (const response of open) write(response, sent);
    }
  }

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    length: log.length,
    burst,
    async pour(count, rate) {
      const [began, first] = [performance.now(), sent];
      while (sent < first + count) {
        await new Promise((done) => setTimeout(done, 4));
        // As many as are due, so that a late timer doesn't lower the rate.
        const due = Math.floor(((performance.now() - began) * rate) / 1_000);
        burst(Math.min(count, due) - (sent - first));
      }
    },
    async close() {
      for (const response of open) response.end();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
