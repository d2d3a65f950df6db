import { useSignal } from "@preact/signals";
import type { Best } from "../../api/types";
import type { SweepStore } from "../store";
import { adviceCommand, adviceOf, adviceWords, newSweepHref } from "./extension";

/** What would tell more, as a button that does it. */
export function AdviceButton({ store, best }: { store: SweepStore; best: Best }) {
  const sending = useSignal(false);
  const advice = best.advice;
  if (!advice) return null;
  const newSweep = newSweepHref(advice, store.id);
  if (newSweep) {
    return (
      <p class="advice">
        <a class="button primary" href={newSweep}>
          New sweep like this
        </a>
        <span class="faint">{advice.words}</span>
      </p>
    );
  }
  async function follow() {
    if (!advice) return;
    sending.value = true;
    await store.act(() => store.extend(adviceOf(advice)));
    sending.value = false;
  }
  return (
    <p class="advice">
      <button
        type="button"
        class="primary"
        disabled={sending.value}
        title={adviceCommand(advice, store.id)}
        onClick={() => void follow()}
      >
        {adviceWords(advice)}
      </button>
      <span class="faint">{advice.words}</span>
    </p>
  );
}
