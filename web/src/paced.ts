/** The least time between two runs of a paced task, in milliseconds. */
const PACE_MS = 1_000;

/**
 * A task that never runs twice at a time nor twice within a second, however often it is
 * asked for; what was asked for meanwhile is done once after.
 */
export function paced(task: () => Promise<void>): { ask: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let again = false;
  let over = false;

  async function run() {
    busy = true;
    again = false;
    await task();
    if (over) return;
    timer = setTimeout(() => {
      busy = false;
      if (again) void run();
    }, PACE_MS);
  }

  return {
    ask() {
      if (over) return;
      if (busy) again = true;
      else void run();
    },
    cancel() {
      over = true;
      clearTimeout(timer);
    },
  };
}
