/** Whether the server asks for a token: any answer may say so, at any time. */

import { signal } from "@preact/signals";

/** Whether the reader has to sign in before anything else. */
export const signInNeeded = signal(false);

/** Notes the status of an answer: without a token that works, the way leads to the sign-in. */
export function noteStatus(status: number) {
  if (status === 401) signInNeeded.value = true;
}
