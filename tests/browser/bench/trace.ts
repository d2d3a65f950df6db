/** How long scripts ran in each frame, from a trace of Chromium's. */

interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  dur?: number;
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

/** Milliseconds of scripting in each frame of the page's main thread, in order. */
export function scriptingPerFrame(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const busiest = mainThread(traceEvents);
  const own = traceEvents.filter(({ pid, tid }) => `${pid} ${tid}` === busiest);
  const frames = own
    .filter(({ name }) => name === "BeginMainThreadFrame")
    .map(({ ts }) => ts)
    .toSorted((a, b) => a - b);
  const spans = union(
    own
      .filter(({ name, ph, dur }) => ph === "X" && dur !== undefined && SCRIPTING.has(name))
      .map(({ ts, dur = 0 }): [number, number] => [ts, ts + dur]),
  );
  const result: number[] = [];
  let next = 0;
  for (const [i, from] of frames.slice(0, -1).entries()) {
    const to = frames[i + 1] ?? from;
    let sum = 0;
    while (next < spans.length && (spans[next]?.[1] ?? 0) <= from) next += 1;
    for (let k = next; k < spans.length && (spans[k]?.[0] ?? 0) < to; k += 1) {
      const [start = 0, end = 0] = spans[k] ?? [];
      sum += Math.max(0, Math.min(end, to) - Math.max(start, from));
    }
    result.push(sum / 1_000);
  }
  return result;
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

/** Spans without overlaps, in order: what runs within another is not counted twice. */
function union(spans: [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
