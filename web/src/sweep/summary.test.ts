import { describe, expect, it } from "vitest";
import { haltedWords } from "./summary";
import { aDetail } from "./testing";

describe("a sweep that doesn't go on", () => {
  const waits_for = "it waits for a worker of the kind that began it";

  it("says what it waits for until something happens", () => {
    const detail = { ...aDetail(), seq: 4, waits_for };
    expect(haltedWords({ detail, seq: 4 })).toBe(
      "It waits for a worker of the kind that began it.",
    );
    expect(haltedWords({ detail, seq: 5 })).toBeNull();
  });

  it("says that its log can't be replayed, whatever happens", () => {
    const detail = { ...aDetail(), waits_for, replay_error: "entry 3 of the log can't be read" };
    expect(haltedWords({ detail, seq: 9 })).toBe(
      "Its log can't be replayed by this server: entry 3 of the log can't be read; " +
        "it can be cancelled and deleted.",
    );
  });

  it("says nothing where all is well", () => {
    expect(haltedWords({ detail: aDetail(), seq: 0 })).toBeNull();
  });
});
