/** A button that deletes a sweep, once that is confirmed. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { api, wordsOf } from "./api/client";
import { Alert } from "./parts";

interface DeleteProps {
  sweep: { id: string; name: string };
  onDeleted: () => void;
}

export function Delete({ sweep, onDeleted }: DeleteProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const sending = useSignal(false);
  const error = useSignal("");

  function ask() {
    error.value = "";
    dialog.current?.showModal();
  }

  async function send() {
    sending.value = true;
    try {
      await api.remove(sweep.id);
      dialog.current?.close();
      onDeleted();
    } catch (failure) {
      error.value = wordsOf(failure);
    } finally {
      sending.value = false;
    }
  }

  return (
    <>
      <button type="button" aria-haspopup="dialog" onClick={ask}>
        Delete<span class="visually-hidden"> {sweep.name}</span>
      </button>
      <dialog ref={dialog} aria-label={`Delete ${sweep.name}?`}>
        <p>
          <strong>Delete “{sweep.name}”?</strong>
        </p>
        <p>Its curves, its log and its checkpoints go with it. This can’t be undone.</p>
        {error.value && <Alert>{error.value}</Alert>}
        <div class="actions">
          <button type="button" class="danger" disabled={sending.value} onClick={() => void send()}>
            Delete sweep
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
        </div>
      </dialog>
    </>
  );
}
