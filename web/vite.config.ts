import { defineConfig } from "vitest/config";

// The page works wherever it is mounted: every address in it is relative.
export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // `npm run dev` beside a running `floodgauge serve`.
  server: { proxy: { "/v1": "http://127.0.0.1:7878" } },
  test: { include: ["src/**/*.test.ts"] },
});
