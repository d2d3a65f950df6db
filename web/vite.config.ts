import { defineConfig } from "vitest/config";
import { ranges } from "./build/ranges.ts";

// The page works wherever it is mounted: every address in it is relative.
export default defineConfig({
  base: "./",
  plugins: [ranges()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "docs.html"] },
  },
  // `npm run dev` beside a running `floodgauge serve`.
  server: {
    proxy: {
      "/v1": "http://127.0.0.1:7878",
      "/openapi.json": "http://127.0.0.1:7878",
      "/livez": "http://127.0.0.1:7878",
    },
  },
  test: { include: ["src/**/*.test.ts"], css: true },
});
