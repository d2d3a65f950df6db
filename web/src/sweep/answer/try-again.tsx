/** A failed sweep anew, as a sweep of its own. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { api, wordsOf } from "../../api/client";
import type { SweepDetail } from "../../api/types";
import { newKey } from "../../new/key";
import { Alert } from "../../parts";
import { againHref, sweepHref } from "../../router";

export function TryAgain({ detail }: { detail: SweepDetail }) {
  const sending = useSignal(false);
  const error = useSignal("");
  // A click that is sent again, say after a lost answer, must not make a second sweep.
  const key = useRef(newKey());

  async function submit() {
    sending.value = true;
    try {
      const { id } = await api.submit(detail.spec, key.current);
      window.location.hash = sweepHref(id);
    } catch (failure) {
      error.value = wordsOf(failure);
    } finally {
      sending.value = false;
    }
  }

  // Of a sweep that can't be read whole, what would be sent is less than what it was.
  const isWhole = detail.replay_error === null;
  return (
    <>
      <p class="advice">
        {isWhole && (
          <button
            type="button"
            class="primary"
            disabled={sending.value}
            onClick={() => void submit()}
          >
            Try again
          </button>
        )}
        <a class="button" href={againHref(detail.id)}>
          Change it first…
        </a>
        <span class="faint">Both make a new sweep; this one stays as it is.</span>
      </p>
      {error.value && <Alert>{error.value}</Alert>}
    </>
  );
}
