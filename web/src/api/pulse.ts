/**
 * Whether the server answers. Each of its answers and each entry of a stream is a sign of life; when there was
 * none for a while, it is asked for one. An `EventSource` doesn't tell of a server that stands still, nor of a wire
 * that hangs nowhere: to it they are streams on which nothing happens.
 */

import { signal } from "@preact/signals";

/** How long there may be no sign before the server is asked for one, in milliseconds. */
const QUIET_MS = 3_000;
/** How long its answer may take; with the above, less than ten seconds until the reader is told. */
const ANSWER_MS = 4_000;
/** The least time between two questions. */
const PAUSE_MS = 1_000;

/** What the reader is to know of a server that doesn't answer; empty while it does. */
export const away = signal("");

let heard = performance.now();
const returns = new Set<() => void>();

/** Takes note of a sign of life. */
export function hear() {
  heard = performance.now();
  if (!away.peek()) return;
  away.value = "";
  for (const each of [...returns]) each();
}

/** Has something done whenever a server that was away answers again; call the answer to end that. */
export function onReturn(act: () => void): () => void {
  returns.add(act);
  return () => returns.delete(act);
}

/** Looks after the server as long as the page is seen; call the answer to end that. */
export function watchServer(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;
  let ended = false;

  async function look() {
    clearTimeout(timer);
    if (looking || ended || document.hidden) return;
    looking = true;
    const asked = performance.now();
    if (away.peek() || asked - heard >= QUIET_MS) {
      const trouble = await ask();
      if (!trouble) hear();
      else if (heard < asked && !ended && !document.hidden) away.value = trouble;
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
    return `Something between here and the server answers in its place (${`${status} ${statusText}`.trim()}).`;
  } catch {
    return late.signal.aborted ? "The server doesn’t answer." : "The server can’t be reached.";
  } finally {
    clearTimeout(timer);
  }
}
