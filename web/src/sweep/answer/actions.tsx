/** What can be done with the sweep. */

import { useSignal } from "@preact/signals";
import { api } from "../../api/client";
import { Delete } from "../../delete";
import { isFinal, type SweepState } from "../state";
import type { SweepStore } from "../store";
import { Extend } from "./extend";
import { Model } from "./model";

interface ActionsProps {
  store: SweepStore;
  state: SweepState;
}

export function Actions({ store, state }: ActionsProps) {
  if (!isFinal(state.status)) {
    return (
      <>
        <Pause store={store} paused={state.status === "paused"} />
        <Cancel onCancel={() => store.change(api.cancel)} />
      </>
    );
  }
  return (
    <>
      <Model state={state} best={store.best.value} />
      {state.status === "completed" && <Extend store={store} detail={state.detail} />}
      <Delete sweep={state.detail} onDeleted={() => (window.location.hash = "#/")} />
    </>
  );
}

function Pause({ store, paused }: { store: SweepStore; paused: boolean }) {
  const sending = useSignal(false);
  async function send() {
    sending.value = true;
    await store.change(paused ? api.resume : api.pause);
    sending.value = false;
  }
  return (
    <button type="button" disabled={sending.value} onClick={() => void send()}>
      {paused ? "Resume" : "Pause"}
    </button>
  );
}

function Cancel({ onCancel }: { onCancel: () => Promise<void> }) {
  const asking = useSignal(false);
  const sending = useSignal(false);
  async function send() {
    sending.value = true;
    await onCancel();
    sending.value = false;
    asking.value = false;
  }
  if (!asking.value) {
    return (
      <button type="button" onClick={() => (asking.value = true)}>
        Cancel sweep
      </button>
    );
  }
  return (
    <span class="confirm" role="group" aria-label="Cancel the sweep?">
      End it now?
      <button type="button" class="danger" disabled={sending.value} onClick={() => void send()}>
        Cancel sweep
      </button>
      <button type="button" onClick={() => (asking.value = false)}>
        Keep going
      </button>
    </span>
  );
}
