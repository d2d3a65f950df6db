/**
 * Whether the server answers. Each of its answers and each entry of a stream is a sign of life; when there
 * was none for a while, it is asked for one. An `EventSource` doesn't notice a server that hangs, or a
 * connection that was lost silently.
 */

import { signal } from "@preact/signals";

/** Without a sign for so many milliseconds the server is asked for one. Chosen, not measured. */
const QUIET_MS = 3_000;
/** How many milliseconds its answer may take; with the above less than 10 s until the reader is told. */
const ANSWER_MS = 4_000;
/** The least time between two questions, in milliseconds. Chosen, not measured. */
const PAUSE_MS = 1_000;

/** What the reader is to know of a server that doesn't answer; empty while it does. */
export const unreachable = signal("");

let heard = performance.now();
const returns = new Set<() => void>();

/** Takes note of a sign of life. */
export function noteAnswer() {
  heard = performance.now();
  if (!unreachable.peek()) return;
  unreachable.value = "";
  for (const each of [...returns]) each();
}

/** Has something done whenever a server that didn't answer does again. Returns a function that ends this. */
export function onReturn(act: () => void): () => void {
  returns.add(act);
  return () => returns.delete(act);
}

/** Watches whether the server answers, as long as the page is seen. Returns a function that ends this. */
export function watchServer(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;
  let ended = false;

  async function look() {
    clearTimeout(timer);
    if (looking || ended || document.hidden) return;
    looking = true;
    const asked = performance.now();
    if (unreachable.peek() || asked - heard >= QUIET_MS) {
      const trouble = await ask();
      if (!trouble) noteAnswer();
      else if (heard < asked && !ended && !document.hidden) unreachable.value = trouble;
    }
    looking = false;
    timer = setTimeout(look, Math.max(PAUSE_MS, heard + QUIET_MS - performance.now()));
  }

  // A page that is seen again tells at once what is so.
  document.addEventListener("visibilitychange", look);
  void look();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

/** Asks for a sign of life; answers what is wrong, or nothing. */
async function ask(): Promise<string> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWER_MS);
  try {
    const livez = new URL("livez", document.baseURI);
    const { ok, status, statusText, headers } = await fetch(livez, {
      cache: "no-store",
      signal: late.signal,
    });
    // A page to sign in at is no answer of the server's.
    if (ok && headers.get("content-type")?.startsWith("text/plain")) return "";
    const said = `${status} ${statusText}`.trim();
    return `A proxy between your browser and the server answered instead of it (${said}).`;
  } catch {
    return late.signal.aborted ? "The server doesn’t answer." : "The server can’t be reached.";
  } finally {
    clearTimeout(timer);
  }
}
