/** Requests to the server: relative addresses, JSON in and out, problems as errors. */

import type { Best, Problem, SweepDetail, SweepList, SweepSpec, TrialItem } from "./types";

/** An answer that says what went wrong. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

/** The address of an API path below wherever the page is mounted. */
export function address(path: string): string {
  return new URL(`v1/${path}`, document.baseURI).href;
}

/** Reads an answer that is not a success; proxies in between may answer anything. */
async function problemOf(answer: Response): Promise<Problem> {
  const other = {
    type: "about:blank",
    title: `the server answered ${answer.status} ${answer.statusText}`.trim(),
    status: answer.status,
  };
  if (!answer.headers.get("content-type")?.includes("json")) return other;
  try {
    return { ...other, ...((await answer.json()) as Partial<Problem>) };
  } catch {
    return other;
  }
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address(path), {
      ...init,
      headers: { accept: "application/json", ...init.headers },
    });
  } catch {
    throw new ProblemError({
      type: "about:blank",
      title: "the server can't be reached",
      status: 0,
    });
  }
  if (!answer.ok) throw new ProblemError(await problemOf(answer));
  return (await answer.json()) as T;
}

export const api = {
  sweeps: (cursor?: string) =>
    request<SweepList>(`sweeps?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`),
  sweep: (id: string) => request<SweepDetail>(`sweeps/${encodeURIComponent(id)}`),
  best: (id: string) => request<Best>(`sweeps/${encodeURIComponent(id)}/best`),
  trials: async (id: string) =>
    (await request<{ items: TrialItem[] }>(`sweeps/${encodeURIComponent(id)}/trials`)).items,
  cancel: (id: string) =>
    request<SweepDetail>(`sweeps/${encodeURIComponent(id)}/cancel`, { method: "POST" }),
  submit: (spec: SweepSpec, key: string) =>
    request<SweepDetail>("sweeps", {
      method: "POST",
      body: JSON.stringify(spec),
      headers: { "content-type": "application/json", "idempotency-key": key },
    }),
};

/** What to tell people about an error of a request. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
