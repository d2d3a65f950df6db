// Says what the page weighs, packed, and fails beyond what it may. The viewer of the API reference is
// a page of its own, and isn't counted.

import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const MOST = 120_000;

const folder = new URL("../dist/", import.meta.url);
const files = [
  "index.html",
  ...readdirSync(new URL("assets/", folder)).map((name) => `assets/${name}`),
];
const counted = files.filter((name) => !name.startsWith("assets/docs-"));
const size = (name) => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
const total = counted.reduce((sum, name) => sum + size(name), 0);
console.log(`the page: ${total} bytes packed, of ${MOST} that it may have`);
if (total > MOST) process.exit(1);
