import { defineConfig } from "@playwright/test";
import base from "../playwright.config.js";

// Measures; `make bench-page` names it.
export default defineConfig({ ...base, testDir: ".", testMatch: "*.bench.ts" });
