/** Buttons that hand files to the reader, and what went wrong with them. */

import { useSignal } from "@preact/signals";
import { wordsOf } from "../api/client";
import { Alert } from "../parts";

export interface Export {
  readonly words: string;
  readonly take: () => void | Promise<void>;
  /** What it is, where the words alone don't say. */
  readonly title?: string;
}

export function Exports({ of, label }: { of: readonly Export[]; label: string }) {
  const error = useSignal("");
  async function run({ take }: Export) {
    try {
      await take();
      error.value = "";
    } catch (failure) {
      error.value = wordsOf(failure);
    }
  }
  return (
    <>
      <p class="downloads" role="group" aria-label={label}>
        {of.map((each) => (
          <button key={each.words} type="button" title={each.title} onClick={() => void run(each)}>
            {each.words}
          </button>
        ))}
      </p>
      {error.value && <Alert>{error.value}</Alert>}
    </>
  );
}
