/** When a sweep is asked about of which its stream tells nothing: soon at first, then less and less often. */

/** How long nothing is heard before the first question, in milliseconds. Chosen, not measured. */
const FIRST_MS = 5_000;

/** The most that lies between two questions, in milliseconds. Chosen, not measured. */
const MOST_MS = 60_000;

export interface Quiet {
  /** Something was heard: the next question is as far off as the first. */
  heard: () => void;
  cancel: () => void;
}

/**
 * Asks whenever nothing was heard for a while, each time after twice as long as the time before. `ask`
 * answers whether there was news, after which it begins anew. No two questions are asked at a time.
 */
export function whileQuiet(ask: () => Promise<boolean>): Quiet {
  let pause = FIRST_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let isHeard = false;
  let over = false;

  function wait() {
    clearTimeout(timer);
    if (!over && !asking) timer = setTimeout(() => void look(), pause);
  }

  async function look() {
    asking = true;
    isHeard = false;
    const hasNews = await ask();
    asking = false;
    pause = hasNews || isHeard ? FIRST_MS : Math.min(MOST_MS, 2 * pause);
    wait();
  }

  wait();
  return {
    heard() {
      isHeard = true;
      pause = FIRST_MS;
      wait();
    },
    cancel() {
      over = true;
      clearTimeout(timer);
    },
  };
}
