/** Whom the server takes the reader for. */

import { batch, signal } from "@preact/signals";
import { api } from "../api/client";
import { signInNeeded } from "../api/refusal";
import type { Session } from "../api/types";

/** Null until the server has answered. */
export const session = signal<Session | null>(null);

/** Takes in what the server said. */
function accept(answer: Session) {
  batch(() => {
    session.value = answer;
    signInNeeded.value = !answer.open && !answer.token;
  });
}

/** Asks the server; when it can't be reached, the views say so themselves. */
export async function askWho(): Promise<void> {
  try {
    accept(await api.session());
  } catch {
    // Nothing is known, as before.
  }
}

/** Opens a session with a token. */
export async function signIn(token: string): Promise<void> {
  accept(await api.signIn(token));
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await api.signOut();
  accept({ open: false, token: null });
}
