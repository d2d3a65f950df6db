import { expect, it } from "vitest";
import { noteStatus, signInNeeded } from "./refusal";

it("an answer that asks for a token leads to the sign-in, and no other does", () => {
  for (const status of [200, 204, 403, 404, 429, 500]) noteStatus(status);
  expect(signInNeeded.value).toBe(false);
  noteStatus(401);
  expect(signInNeeded.value).toBe(true);
});
