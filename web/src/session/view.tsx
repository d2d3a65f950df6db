/** Signing in and out. */

import { useSignal } from "@preact/signals";
import { ProblemError, wordsOf } from "../api/client";
import { Alert, useTitle } from "../parts";
import { session, signIn, signOut } from "./store";

/** Asks for a token. */
export function SignIn() {
  useTitle("Sign in");
  const token = useSignal("");
  const error = useSignal("");
  const sending = useSignal(false);

  async function submit(event: Event) {
    event.preventDefault();
    if (sending.value) return;
    sending.value = true;
    error.value = "";
    try {
      await signIn(token.value.trim());
    } catch (failure) {
      error.value = why(failure);
    } finally {
      sending.value = false;
    }
  }

  return (
    <form class="empty" onSubmit={(event) => void submit(event)}>
      <h1>Sign in</h1>
      <p>
        This server asks for a token. Ask the operator for one:{" "}
        <code>floodgauge token create NAME --scope submit</code>.
      </p>
      <div class="field">
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          value={token.value}
          onInput={(event) => (token.value = event.currentTarget.value)}
          aria-invalid={error.value ? true : undefined}
        />
      </div>
      {error.value && <Alert>{error.value}</Alert>}
      <div class="actions">
        <button type="submit" class="primary" disabled={sending.value}>
          Sign in
        </button>
      </div>
    </form>
  );
}

function why(failure: unknown): string {
  if (failure instanceof ProblemError && failure.problem.status === 401) {
    return failure.problem.detail || "this token doesn't work";
  }
  return wordsOf(failure);
}

/** Who is signed in, and the way out; nothing on an open server. */
export function Account() {
  const token = session.value?.token;
  if (!token) return null;
  return (
    <p class="account">
      <span class="faint" title={`may ${token.scopes.join(", ")}`}>
        {token.name}
      </span>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </p>
  );
}
