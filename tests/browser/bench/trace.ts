/** How long scripts ran in each frame, from a trace of Chromium's. */

interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  dur?: number;
  /** What it took of the processor, in microseconds. */
  tdur?: number;
  pid: number;
  tid: number;
  args?: { name?: string };
}

/** What the developer tools count as scripting. */
const SCRIPTING = new Set([
  "EvaluateScript",
  "EventDispatch",
  "FireAnimationFrame",
  "FireIdleCallback",
  "FunctionCall",
  "GCEvent",
  "MajorGC",
  "MinorGC",
  "RunMicrotasks",
  "TimerFire",
  "v8.compile",
  "v8.run",
]);

/**
 * Milliseconds of scripting in each frame of the page's main thread, in order: the processor's time, so
 * that what else runs on the machine isn't counted.
 */
export function scriptingPerFrame(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const busiest = mainThread(traceEvents);
  const own = traceEvents.filter(({ pid, tid }) => `${pid} ${tid}` === busiest);
  const frames = own
    .filter(({ name }) => name === "BeginMainThreadFrame")
    .map(({ ts }) => ts)
    .toSorted((a, b) => a - b);
  const sums = frames.map(() => 0);
  for (const { ts, tdur } of outermost(own)) {
    const frame = frames.findLastIndex((from) => from <= ts);
    if (frame >= 0) sums[frame] = (sums[frame] ?? 0) + (tdur ?? 0) / 1_000;
  }
  // The last frame was cut off.
  return sums.slice(0, -1);
}

/** Scripts that don't run within others, which are counted with these. */
function outermost(events: readonly TraceEvent[]): TraceEvent[] {
  const scripts = events
    .filter(({ name, ph, dur }) => ph === "X" && dur !== undefined && SCRIPTING.has(name))
    .toSorted((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  let end = 0;
  return scripts.filter(({ ts, dur = 0 }) => {
    const inTime = ts < end;
    end = Math.max(end, ts + dur);
    return !inTime;
  });
}

/** The renderer's main thread with the most frames: there may be one of a blank page beside it. */
function mainThread(events: readonly TraceEvent[]): string {
  const counts = new Map<string, number>();
  for (const { name, pid, tid } of events) {
    if (name !== "BeginMainThreadFrame") continue;
    const key = `${pid} ${tid}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const [busiest] = [...counts].toSorted((a, b) => b[1] - a[1]);
  if (!busiest) throw new Error("the trace holds no frame");
  return busiest[0];
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
