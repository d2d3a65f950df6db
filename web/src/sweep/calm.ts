/** How often words and tables follow, in milliseconds. */
const PACE_MS = 250;

/** A task that runs at once, then at most a few times a second however often it is asked for. */
export function calmly(task: () => void): { ask: () => void; now: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = false;

  function run() {
    asked = false;
    task();
    timer = setTimeout(() => {
      timer = undefined;
      if (asked) run();
    }, PACE_MS);
  }

  function cancel() {
    clearTimeout(timer);
    timer = undefined;
    asked = false;
  }

  return {
    ask() {
      asked = true;
      if (timer === undefined) run();
    },
    now() {
      cancel();
      task();
    },
    cancel,
  };
}
