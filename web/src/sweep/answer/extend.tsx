/** Taking a completed sweep on: further seeds, further levels, longer runs. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ProblemError, wordsOf } from "../../api/client";
import type { SweepDetail } from "../../api/types";
import { Alert } from "../../parts";
import type { SweepStore } from "../store";
import { extensionOf, faultsOf, type ExtendFields, type Faults } from "./extension";

interface ExtendProps {
  store: SweepStore;
  detail: SweepDetail;
}

const EMPTY: ExtendFields = { seeds: "", levels: "", epochs: "" };

export function Extend({ store, detail }: ExtendProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const fields = useSignal(EMPTY);
  const sending = useSignal(false);
  const faults = useSignal<Faults>({});

  function ask() {
    fields.value = EMPTY;
    faults.value = {};
    dialog.current?.showModal();
  }

  async function send(event: Event) {
    event.preventDefault();
    const { more, faults: found } = extensionOf(fields.value);
    faults.value = found;
    if (!more) return;
    sending.value = true;
    try {
      await store.extend(more);
      dialog.current?.close();
    } catch (failure) {
      faults.value =
        failure instanceof ProblemError ? faultsOf(failure.problem) : { all: wordsOf(failure) };
    } finally {
      sending.value = false;
    }
  }

  const field = (name: keyof ExtendFields, label: string, placeholder: string, numeric = true) => (
    <div class="field">
      <label for={`extend-${name}`}>{label}</label>
      <input
        id={`extend-${name}`}
        type="text"
        inputMode={numeric ? "numeric" : undefined}
        placeholder={placeholder}
        autocomplete="off"
        value={fields.value[name]}
        aria-invalid={faults.value[name] ? true : undefined}
        aria-describedby={faults.value[name] ? `extend-${name}-note` : undefined}
        onInput={({ currentTarget: { value } }) => {
          fields.value = { ...fields.value, [name]: value };
          faults.value = { ...faults.value, [name]: undefined, all: undefined };
        }}
      />
      {faults.value[name] && (
        <p class="wrong" role="alert" id={`extend-${name}-note`}>
          {faults.value[name]}
        </p>
      )}
    </div>
  );
  return (
    <>
      <button type="button" aria-haspopup="dialog" onClick={ask}>
        Extend…
      </button>
      <dialog ref={dialog} aria-label="Extend the sweep">
        <form onSubmit={(event) => void send(event)} noValidate>
          <p>
            <strong>Extend the sweep</strong>
          </p>
          <p class="faint">
            What was trained is kept; only what is missing is trained. A level of this sweep that
            was only probed, or not trained, is trained to the end.
          </p>
          {field("seeds", "Further seeds", "0")}
          {field("levels", "Levels", "0.25, 0.3", false)}
          {field("epochs", "Epochs of a full run", String(detail.epochs))}
          {faults.value.all && <Alert>{faults.value.all}</Alert>}
          <div class="actions">
            <button type="submit" class="primary" disabled={sending.value}>
              Extend sweep
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
