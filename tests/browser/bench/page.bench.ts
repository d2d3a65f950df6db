import { expect, test } from "@playwright/test";
import { points } from "../support.js";
import { startReplay } from "./replay.js";
import { hash } from "./sweep.js";
import { quantile, scriptingPerFrame } from "./trace.js";

const RATE = 200;
const SECONDS = 20;
/** Scripting in a frame, in milliseconds, that the median must stay below. */
const MAX_FRAME_MS = 16;

/** What the developer tools' timeline is made of. */
const CATEGORIES = [
  "devtools.timeline",
  "disabled-by-default-devtools.timeline.frame",
  "v8.execute",
  "disabled-by-default-v8.gc",
];

test("a large sweep stays smooth while its entries arrive", async ({ browser }) => {
  const replay = await startReplay();
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  try {
    const measured = RATE * SECONDS;
    replay.burst(replay.length - measured);
    await page.goto(replay.address + hash);
    // All that came at once is drawn: training and validation, each a mean of three seeds.
    const before = Math.floor((replay.length - measured) / 63);
    await expect.poll(() => points(page)).toBeGreaterThanOrEqual(2 * 21 * (before - 1));

    await browser.startTracing(page, { categories: CATEGORIES });
    await replay.pour(measured, RATE);
    const frames = scriptingPerFrame(await browser.stopTracing());

    await expect.poll(() => points(page)).toBe(2 * 21 * 500);
    const figures = [0.5, 0.95, 1].map((share) => `${quantile(frames, share).toFixed(1)} ms`);
    console.log(
      `${frames.length} frames in ${SECONDS} s at ${RATE} entries/s; ` +
        `scripting per frame, processor's time: median ${figures[0]}, 95 % below ${figures[1]}, most ${figures[2]}`,
    );
    expect(quantile(frames, 0.5)).toBeLessThan(MAX_FRAME_MS);
  } finally {
    await page.close();
    await replay.close();
  }
});

test("a sweep is there soon after it is asked for", async ({ browser }) => {
  const replay = await startReplay();
  replay.burst(2_000);
  const paints: number[] = [];
  try {
    // The first opens a cold browser; each other a new profile.
    for (let i = 0; i < 6; i += 1) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      // When the answer's card is first drawn, as the browser times it.
      await page.addInitScript(() => {
        const seen = new MutationObserver(() => {
          if (!document.querySelector(".answer .best")) return;
          seen.disconnect();
          requestAnimationFrame(() => setTimeout(() => performance.mark("answer")));
        });
        seen.observe(document, { childList: true, subtree: true });
      });
      await page.goto(replay.address + hash);
      await page.waitForFunction(() => performance.getEntriesByName("answer").length > 0);
      paints.push(
        await page.evaluate(() => performance.getEntriesByName("answer")[0]?.startTime ?? NaN),
      );
      await context.close();
    }
    const warm = paints.slice(1);
    console.log(
      `the answer is painted after ${quantile(warm, 0.5).toFixed(0)} ms in the median of ${warm.length}, ` +
        `most ${quantile(warm, 1).toFixed(0)} ms; in a cold browser ${paints[0]?.toFixed(0)} ms`,
    );
    expect(quantile(warm, 0.5)).toBeLessThan(300);
  } finally {
    await replay.close();
  }
});
