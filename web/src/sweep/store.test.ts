import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Problem, SweepDetail } from "../api/types";
import { aBest, aDetail } from "./testing";

// There is no browser here: what the store asks one for, as little of it as it takes.
const page = { hidden: false, addEventListener: vi.fn(), removeEventListener: vi.fn() };
vi.stubGlobal("document", { ...page, baseURI: "http://server/" });
vi.stubGlobal("window", { ...page, location: { hash: "" } });
vi.stubGlobal("requestAnimationFrame", (draw: () => void) => setTimeout(draw, 16));
vi.stubGlobal("cancelAnimationFrame", clearTimeout);

/** A stream that says what a test has it say. */
class Stream {
  static readonly CLOSED = 2;
  static newest: Stream;
  readyState = 1;
  onopen = () => {};
  onerror = () => {};
  private readonly listeners: ((message: { data: string }) => void)[] = [];
  constructor() {
    Stream.newest = this;
  }
  addEventListener(type: string, listen: (message: { data: string }) => void) {
    if (type === "pause_requested") this.listeners.push(listen);
  }
  say(entry: object) {
    for (const listen of this.listeners) listen({ data: JSON.stringify(entry) });
  }
  close() {}
}
vi.stubGlobal("EventSource", Stream);

const { api } = await import("../api/client");
const { SweepStore } = await import("./store");

/** What a server says that refuses something. */
function problem(status: number, type: string, title: string, detail: string): Problem {
  return { type: `urn:floodgauge:problem:${type}`, title, status, detail, errors: [] };
}

const PATH = "/v1/sweeps/one";
/** What was asked, as the method, where it isn't GET, and what follows the sweep's path. */
let asked: string[];
/** What was sent along. */
let bodies: unknown[];
let detail: SweepDetail;
let refusal: Problem | null;

beforeEach(() => {
  vi.useFakeTimers();
  [asked, bodies, refusal] = [[], [], null];
  detail = { ...aDetail(), id: "one", status: "running", seq: 3 };
  vi.stubGlobal("fetch", (url: string, { method = "GET", body }: RequestInit = {}) => {
    const part = new URL(url).pathname.replace(PATH, "");
    asked.push(method === "GET" ? part : `${method} ${part}`);
    if (body) bodies.push(JSON.parse(String(body)));
    if (method !== "GET" && refusal) {
      const headers = { "content-type": "application/problem+json" };
      return Promise.resolve(Response.json(refusal, { status: refusal.status, headers }));
    }
    const best = { ...aBest(), sweep: "one", status: "running", paste: null };
    const answer = part === "/best" ? best : part === "/trials" ? { items: [] } : detail;
    return Promise.resolve(Response.json(answer));
  });
});
afterEach(() => void vi.useRealTimers());

/** A store that has asked for all that it asks for at the start. */
async function opened() {
  const store = new SweepStore("one");
  await vi.advanceTimersByTimeAsync(1_000);
  asked = [];
  return store;
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

it("a sweep that tells nothing is asked for alone, and less and less often", async () => {
  const store = await opened();
  await seconds(4);
  expect(asked).toEqual([""]);
  await seconds(130);
  // After 5, 15, 35, 75 and 135 seconds.
  expect(asked).toEqual(Array(5).fill(""));
  store.close();
});

it("the figures are fetched once the sweep is further than they are, without asking for it twice", async () => {
  const store = await opened();
  detail = { ...detail, seq: 8 };
  await seconds(6);
  expect(asked).toEqual(["", "/best", "/trials"]);
  // They are as of what was told: nothing is fetched again before there is more.
  await seconds(4);
  expect(asked.slice(3)).toEqual([""]);
  store.close();
});

it("a stream that tells something puts the question off", async () => {
  const store = await opened();
  await seconds(3);
  const event = { type: "pause_requested" };
  const entry = { sweep: "one", seq: 4, at: "2026-01-01T00:00:00Z", event };
  Stream.newest.say({ ...entry, decisions: [], lines: [] });
  await seconds(2);
  // What an entry may have changed is fetched at once; the question waits.
  expect(asked.toSorted()).toEqual(["", "/best", "/trials"]);
  store.close();
});

it("why an action is refused stands until the next one, or until it is dismissed", async () => {
  const store = await opened();
  refusal = problem(409, "conflict", "its state doesn't allow this", "the sweep has already ended");
  await store.change(api.pause);
  await seconds(60);
  expect(asked).toContain("");
  expect(store.refused.value).toBe("the sweep has already ended");
  store.dismiss();
  expect(store.refused.value).toBe("");

  await store.change(api.cancel);
  expect(store.refused.value).toBe("the sweep has already ended");
  refusal = null;
  await store.change(api.cancel);
  expect(store.refused.value).toBe("");
  store.close();
});

it("an extension that is asked for as an action posts no more than it says, and tells why it is refused", async () => {
  const store = await opened();
  refusal = problem(
    422,
    "invalid",
    "the extension is invalid",
    "b = 0.5 is trained with every seed already",
  );
  await store.act(() => store.extend({ levels: [0.5] }));
  expect(bodies).toEqual([{ levels: [0.5] }]);
  await seconds(30);
  expect(store.refused.value).toContain("b = 0.5 is trained with every seed already");
  store.close();
});
