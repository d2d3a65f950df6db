/** Parts of the page that are fetched when they are first needed, so that the first paint needn't wait for them. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { Alert } from "./parts";

/** What stands where a part is to be, and fetches it. */
export interface Later<Props> {
  (props: Props): preact.JSX.Element | null;
  /** Begins to fetch it; ends when it is there, or can't be had. */
  fetch(): Promise<void>;
}

export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): Later<Props> {
  const part = signal<ComponentType<Props> | null>(null);
  const failed = signal(false);
  let fetching: Promise<void> | undefined;

  async function get() {
    try {
      part.value = await load();
    } catch {
      failed.value = true;
    }
  }

  function fetch(): Promise<void> {
    return (fetching ??= get());
  }

  function Part(props: Props) {
    void fetch();
    const Loaded = part.value;
    if (Loaded) return <Loaded {...props} />;
    return failed.value ? <Gone /> : null;
  }
  return Object.assign(Part, { fetch });
}

/** The server is away, or another version of it runs by now, whose page has other files. */
function Gone() {
  return (
    <>
      <Alert>A part of the page can’t be fetched: is the server still there?</Alert>
      <p>
        <button type="button" onClick={() => window.location.reload()}>
          Load the page anew
        </button>
      </p>
    </>
  );
}
