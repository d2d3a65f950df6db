import { defineConfig } from "@playwright/test";
import base from "../playwright.config.js";

// Takes the pictures of docs/img; `make pictures` names it. Training what they show takes minutes.
export default defineConfig({
  ...base,
  testDir: ".",
  testMatch: "*.pictures.ts",
  timeout: 1_200_000,
});
