import { describe, expect, it } from "vitest";
import type { Waiting } from "../api/types";
import { initialState } from "./state";
import { aDetail } from "./testing";
import { waitingOf, type Told } from "./told";

const waiting: Waiting = {
  for: "worker",
  words: "no worker asks this server for work",
  remedy: "start one, here or on another machine",
  wants_worker: true,
  transient: true,
  backoff_s: null,
};
const told: Told = { seq: 4, waiting, progress: null, troubled_workers: [] };
const state = { ...initialState(aDetail()), seq: 4 };

describe("what a sweep waits for", () => {
  it("is what the server says, until something happens", () => {
    expect(waitingOf(state, told)).toEqual(waiting);
    expect(waitingOf({ ...state, seq: 5 }, told)).toBeNull();
  });

  it("is nothing once it has ended, and before anything was told", () => {
    expect(waitingOf({ ...state, status: "cancelled" }, told)).toBeNull();
    expect(waitingOf(state, null)).toBeNull();
    expect(waitingOf(state, { ...told, waiting: null })).toBeNull();
  });
});
