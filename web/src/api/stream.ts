/**
 * A live view of an event log over `EventSource`.
 *
 * The browser reconnects by itself and says where it was (`Last-Event-ID`); what it gives up
 * on, we open again. A hidden page lets its connection go, since browsers allow only a few
 * per host, and goes on from where it was when it is seen again. So does one whose server didn't answer
 * for a while: the connection may have been lost silently.
 */

import type { Entry, Event } from "./types";
import { address } from "./client";
import { noteAnswer, onReturn } from "./pulse";

/** Every type of event; the compiler sees to it that none is missing. */
const TYPES: Record<Event["type"], true> = {
  submitted: true,
  claimed: true,
  reported: true,
  saved: true,
  nondeterminism: true,
  finished: true,
  failed: true,
  handed_back: true,
  expired: true,
  lost: true,
  damaged: true,
  started_over: true,
  cancel_requested: true,
  pause_requested: true,
  resumed: true,
  extended: true,
};

const RETRY_MS = 2_000;

export interface StreamOptions {
  /** The path below `/v1`. */
  path: string;
  /** The entry to go on after; a stream without it begins where the server thinks best. */
  after?: () => number;
  /** Called for each entry; the same entry may come twice. */
  onEntry: (entry: Entry) => void;
  /** Called when the connection is there, and when it is gone. */
  onConnection?: (connected: boolean) => void;
  /** Called when the server wouldn't have the stream: it may ask for a token by now. */
  onRefused?: () => void;
}

/** Opens the stream; call the answer to close it. */
export function openStream({
  path,
  after,
  onEntry,
  onConnection,
  onRefused,
}: StreamOptions): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function onMessage(message: MessageEvent<string>) {
    noteAnswer();
    onEntry(JSON.parse(message.data) as Entry);
  }

  function open() {
    clearTimeout(retry);
    const query = after ? `?after=${after()}` : "";
    const opened = new EventSource(address(path) + query);
    source = opened;
    for (const type of Object.keys(TYPES)) opened.addEventListener(type, onMessage);
    opened.onopen = () => {
      noteAnswer();
      onConnection?.(true);
    };
    opened.onerror = () => {
      onConnection?.(false);
      if (opened.readyState === EventSource.CLOSED) {
        onRefused?.();
        clearTimeout(retry);
        retry = setTimeout(open, RETRY_MS);
      }
    };
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  }

  function onVisibility() {
    if (document.hidden) close();
    else if (!source) open();
  }

  const forgetReturns = onReturn(() => {
    if (!source) return;
    close();
    open();
  });
  document.addEventListener("visibilitychange", onVisibility);
  // Leaving for another page keeps this one's connection in some browsers' back-forward cache.
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", onVisibility);
  onVisibility();
  return () => {
    forgetReturns();
    document.removeEventListener("visibilitychange", onVisibility);
    window.removeEventListener("pagehide", close);
    window.removeEventListener("pageshow", onVisibility);
    close();
  };
}
