/** Requests to the server: relative addresses, JSON in and out, problems as errors. */

import { noteAnswer } from "./pulse";
import { noteStatus } from "./refusal";
import type {
  DatasetItem,
  DatasetList,
  Problem,
  Session,
  Sparkline,
  SweepBest,
  SweepDetail,
  SweepList,
  SweepPlan,
  SweepSpec,
  SweepStatus,
  SweepTable,
  TrialList,
} from "./types";

/** How long an answer may take to begin, in milliseconds; the server itself gives up sooner. */
const ANSWER_MS = 30_000;
/** How long an upload may stand still, in milliseconds. */
const STANDSTILL_MS = 60_000;

/** An answer that says what went wrong. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problemWords(problem));
  }
}

/** A problem in words. */
export function problemWords({ type, title, detail }: Problem): string {
  if (detail && TOLD_BY_DETAIL.has(type)) return detail;
  return detail ? `${title}: ${detail}` : title;
}

/** Kinds whose detail says by itself what their title does. */
const TOLD_BY_DETAIL: ReadonlySet<string> = new Set([
  "urn:floodgauge:problem:not-found",
  "urn:floodgauge:problem:conflict",
]);

/** A failure that no server has described. */
function plainProblem(status: number, title: string): Problem {
  return { type: "about:blank", title, status, detail: "", errors: [] };
}

/** The address of an API path below wherever the page is mounted. */
export function address(path: string): string {
  return new URL(`v1/${path}`, document.baseURI).href;
}

/** Reads an answer that is not a success; proxies in between may answer anything. */
async function problemOf(answer: Response): Promise<Problem> {
  const { status, statusText } = answer;
  const other = plainProblem(status, `the server answered ${status} ${statusText}`.trim());
  if (!answer.headers.get("content-type")?.includes("json")) return other;
  try {
    return { ...other, ...((await answer.json()) as Partial<Problem>) };
  } catch {
    return other;
  }
}

async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWER_MS);
  try {
    answer = await fetch(address(path), {
      ...init,
      signal: init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal,
      headers: { accept: "application/json", ...init.headers },
    });
  } catch {
    const words = late.signal.aborted
      ? `the server didn't answer within ${ANSWER_MS / 1000} seconds`
      : "the server can't be reached";
    throw new ProblemError(plainProblem(0, words));
  } finally {
    clearTimeout(timer);
  }
  noteResponse(answer.status, answer.headers.get("content-type"));
  if (!answer.ok) throw new ProblemError(await problemOf(answer));
  if (isPage(answer.headers.get("content-type"))) {
    const words = "a proxy between your browser and the server answered instead of it";
    throw new ProblemError(plainProblem(answer.status, words));
  }
  return answer;
}

/** Notes who answered, and with what status: proxies in between may answer anything. */
function noteResponse(status: number, type: string | null) {
  const isOwn = status < 400 ? !isPage(type) : type?.startsWith("application/problem+json");
  if (isOwn) noteAnswer();
  noteStatus(status);
}

/** Whether an answer is a page, which nothing below `/v1` is: one of a proxy's, say, to sign in at. */
function isPage(type: string | null): boolean {
  return type?.startsWith("text/html") ?? false;
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const answer = await send(path, init);
  return (await answer.json()) as T;
}

/** The path of a sweep, or of a part of it. */
function sweepPath(id: string, part = ""): string {
  return `sweeps/${encodeURIComponent(id)}${part}`;
}

/** Which sweeps to list: a page of those that a text finds, of one status or of any. */
export interface Listed {
  search: string;
  status: SweepStatus | "";
  cursor?: string | undefined;
}

/** What a completed sweep is extended by: further seeds, further levels, a new total of epochs. */
export interface Extension {
  seeds?: number;
  levels?: readonly number[];
  epochs?: number;
}

export const api = {
  session: () => request<Session>("session"),
  signIn: (token: string) =>
    request<Session>("session", {
      method: "POST",
      body: JSON.stringify({ token }),
      headers: { "content-type": "application/json" },
    }),
  signOut: async () => {
    await send("session", { method: "DELETE" });
  },
  sweeps: ({ search, status, cursor }: Listed) => {
    const query = new URLSearchParams({ limit: "50" });
    if (search) query.set("search", search);
    if (status) query.set("status", status);
    if (cursor) query.set("cursor", cursor);
    return request<SweepList>(`sweeps?${query}`);
  },
  sparkline: (id: string) => request<Sparkline>(sweepPath(id, "/sparkline")),
  sweep: (id: string) => request<SweepDetail>(sweepPath(id)),
  best: (id: string) => request<SweepBest>(sweepPath(id, "/best")),
  trials: async (id: string) => (await request<TrialList>(sweepPath(id, "/trials"))).items,
  cancel: (id: string) => request<SweepDetail>(sweepPath(id, "/cancel"), { method: "POST" }),
  pause: (id: string) => request<SweepDetail>(sweepPath(id, "/pause"), { method: "POST" }),
  resume: (id: string) => request<SweepDetail>(sweepPath(id, "/resume"), { method: "POST" }),
  extend: (id: string, more: Extension) =>
    request<SweepDetail>(sweepPath(id, "/extend"), {
      method: "POST",
      body: JSON.stringify(more),
      headers: { "content-type": "application/json" },
    }),
  table: (id: string) => request<SweepTable>(sweepPath(id, "/table")),
  remove: async (id: string) => {
    await send(sweepPath(id), { method: "DELETE" });
  },
  /** A part of a sweep as it is sent. */
  file: async (id: string, part: "/curves" | "/grid" | "/table", type: string) =>
    (await send(sweepPath(id, part), { headers: { accept: type } })).blob(),
  /** Every data set, however many pages they are. */
  datasets: async () => {
    const items: DatasetItem[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const page: DatasetList = await request<DatasetList>(`datasets?limit=200${query}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  },
  /** What a sweep would cost; nothing is submitted. */
  plan: (spec: SweepSpec, signal: AbortSignal) =>
    request<SweepPlan>("plans", {
      method: "POST",
      body: JSON.stringify(spec),
      headers: { "content-type": "application/json" },
      signal,
    }),
  submit: (spec: SweepSpec, key: string) =>
    request<SweepDetail>("sweeps", {
      method: "POST",
      body: JSON.stringify(spec),
      headers: { "content-type": "application/json", "idempotency-key": key },
    }),
};

/** What an upload is declared as. */
const MEDIA_TYPES = { csv: "text/csv", npz: "application/zip" } as const;

export type UploadFormat = keyof typeof MEDIA_TYPES;

/**
 * Uploads a data set; `fetch` doesn't tell how far it is. Aborting drops what was sent.
 */
export function uploadDataset(
  name: string,
  file: Blob,
  format: UploadFormat,
  { onProgress, signal }: { onProgress: (sent: number) => void; signal: AbortSignal },
): Promise<DatasetItem> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (title: string) => {
      clearTimeout(timer);
      reject(new ProblemError(plainProblem(request.status, title)));
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stoodStill = false;
    const moves = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        stoodStill = true;
        request.abort();
      }, STANDSTILL_MS);
    };
    request.upload.onprogress = ({ loaded }) => {
      moves();
      onProgress(loaded);
    };
    // The server checks what it has got as long as that takes.
    request.upload.onload = () => clearTimeout(timer);
    request.onerror = () => fail("the upload broke off");
    request.onabort = () =>
      fail(
        stoodStill
          ? `the upload stood still for ${STANDSTILL_MS / 1000} seconds`
          : "the upload was stopped",
      );
    request.onload = () => {
      clearTimeout(timer);
      const { status, responseText } = request;
      noteResponse(status, request.getResponseHeader("content-type"));
      let body: unknown;
      try {
        body = JSON.parse(responseText);
      } catch {
        return fail(`the server answered ${status}`);
      }
      if (status < 300) return resolve(body as DatasetItem);
      const other = plainProblem(status, `the server answered ${status}`);
      reject(new ProblemError({ ...other, ...(body as Partial<Problem>) }));
    };
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", address(`datasets?name=${encodeURIComponent(name)}`));
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", MEDIA_TYPES[format]);
    moves();
    request.send(file);
  });
}

/** What to tell people about an error of a request. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
