/** A task that runs at most once per animation frame, however often it is asked for. */
export function perFrame(task: () => void): { ask: () => void; cancel: () => void } {
  let frame: number | null = null;
  return {
    ask() {
      frame ??= requestAnimationFrame(() => {
        frame = null;
        task();
      });
    },
    cancel() {
      if (frame !== null) cancelAnimationFrame(frame);
      frame = null;
    },
  };
}
