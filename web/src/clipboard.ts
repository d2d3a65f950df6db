/** Copies a text; false if the browser doesn't let us, with the text selected then. */
export async function toClipboard(words: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    // Only there over HTTPS and on this machine.
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    if (shown) window.getSelection()?.selectAllChildren(shown);
    return false;
  }
}
