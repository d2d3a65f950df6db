import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { whileQuiet } from "./quiet";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Counts the questions; `news` is what they bring. */
function counting(news = false) {
  const asked = { times: 0, news };
  const quiet = whileQuiet(() => {
    asked.times += 1;
    return Promise.resolve(asked.news);
  });
  return { asked, quiet };
}

/** After how many seconds each of so many questions was asked. */
async function pauses(asked: { times: number }, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let seconds = 1; found.length < count; seconds += 1) {
    const before = asked.times;
    await vi.advanceTimersByTimeAsync(1_000);
    if (asked.times === before) continue;
    found.push(seconds);
    seconds = 0;
  }
  return found;
}

it("asks after 5 s, then each time after twice as long, up to a minute", async () => {
  const { asked, quiet } = counting();
  expect(await pauses(asked, 6)).toEqual([5, 10, 20, 40, 60, 60]);
  quiet.cancel();
});

it("begins anew once there was news", async () => {
  const { asked, quiet } = counting();
  expect(await pauses(asked, 3)).toEqual([5, 10, 20]);
  asked.news = true;
  expect(await pauses(asked, 1)).toEqual([40]);
  asked.news = false;
  expect(await pauses(asked, 2)).toEqual([5, 10]);
  quiet.cancel();
});

it("asks nothing while something is heard, and begins anew after", async () => {
  const { asked, quiet } = counting();
  await pauses(asked, 2);
  for (let second = 0; second < 30; second += 1) {
    quiet.heard();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(asked.times).toBe(2);
  quiet.heard();
  expect(await pauses(asked, 2)).toEqual([5, 10]);
  quiet.cancel();
});

it("asks nothing more while an answer is out, whatever is heard, nor once it is cancelled", async () => {
  const answers: ((news: boolean) => void)[] = [];
  const quiet = whileQuiet(() => new Promise((resolve) => answers.push(resolve)));
  await vi.advanceTimersByTimeAsync(5_000);
  quiet.heard();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(answers).toHaveLength(1);
  answers[0]?.(false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(answers).toHaveLength(2);
  quiet.cancel();
  answers[1]?.(true);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(answers).toHaveLength(2);
});
