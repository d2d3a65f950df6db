/** A data set of the reader's own: a look at the file, then on to the server. */

import { batch, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { uploadDataset, wordsOf } from "../api/client";
import type { DatasetItem } from "../api/types";
import { formatBytes } from "../format";
import { Alert } from "../parts";
import { datasetHint } from "./datasets";
import { nameOf, previewOf, type Preview } from "./preview";

export function Upload({ onAdded }: { onAdded: (item: DatasetItem) => void }) {
  const file = useSignal<File | null>(null);
  const name = useSignal("");
  const preview = useSignal<Preview | null>(null);
  const error = useSignal("");
  const added = useSignal<DatasetItem | null>(null);
  /** Bytes sent; null while nothing is. */
  const sent = useSignal<number | null>(null);
  const abort = useRef<AbortController | null>(null);

  async function choose(chosen: File | undefined) {
    batch(() => {
      file.value = chosen ?? null;
      preview.value = null;
      added.value = null;
      error.value = "";
      if (chosen) name.value = nameOf(chosen.name);
    });
    if (!chosen) return;
    try {
      const found = await previewOf(chosen);
      if (file.value === chosen) preview.value = found;
    } catch (failure) {
      if (file.value === chosen) error.value = `${chosen.name} can't be used: ${wordsOf(failure)}`;
    }
  }

  async function send() {
    const [chosen, found] = [file.value, preview.value];
    if (!chosen || !found || sent.value !== null) return;
    abort.current = new AbortController();
    error.value = "";
    sent.value = 0;
    try {
      const item = await uploadDataset(name.value.trim(), chosen, found.format, {
        onProgress: (bytes) => (sent.value = bytes),
        signal: abort.current.signal,
      });
      added.value = item;
      onAdded(item);
    } catch (failure) {
      error.value = wordsOf(failure);
    } finally {
      sent.value = null;
    }
  }

  const size = file.value?.size ?? 0;
  return (
    <details class="upload">
      <summary>Upload a data set</summary>
      <p class="hint">
        CSV: a row a sample, the class in the column <code>label</code> or else in the last. NPZ:
        arrays <code>x</code> and <code>y</code>. Classes are 0, 1, 2 and so on.
      </p>
      <div class="fields">
        <div class="field">
          <label for="upload-file">File</label>
          <input
            id="upload-file"
            type="file"
            accept=".csv,.npz"
            onChange={(event) => void choose(event.currentTarget.files?.[0])}
          />
        </div>
        {preview.value && (
          <div class="field">
            <label for="upload-name">Data set name</label>
            <input
              id="upload-name"
              type="text"
              autocomplete="off"
              spellcheck={false}
              value={name.value}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </div>
        )}
      </div>
      {preview.value && <FirstRows preview={preview.value} />}
      {error.value && <Alert>{error.value}</Alert>}
      {preview.value && (
        <div class="actions">
          <button
            type="button"
            disabled={sent.value !== null || !name.value.trim()}
            onClick={() => void send()}
          >
            Upload {formatBytes(size)}
          </button>
          {sent.value !== null && (
            <>
              <progress aria-label="Uploaded" max={size} value={sent.value} />
              <span class="hint">
                {sent.value < size
                  ? `${formatBytes(sent.value)} of ${formatBytes(size)}`
                  : "being checked…"}
              </span>
              <button type="button" onClick={() => abort.current?.abort()}>
                Stop
              </button>
            </>
          )}
          <span role="status">
            {added.value &&
              `“${added.value.name}” is there and chosen: ${datasetHint(added.value)}.`}
          </span>
        </div>
      )}
    </details>
  );
}

/** What the file was seen to hold. */
function FirstRows({ preview }: { preview: Preview }) {
  const { shape, classes, header, rows } = preview;
  return (
    <>
      <p>
        {shape}
        {classes && `; ${classes}`}
      </p>
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="The first rows">
          <table class="preview">
            {header.length > 0 && (
              <thead>
                <tr>
                  {header.map((name, i) => (
                    <th key={i} scope="col" class="figure">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
            )}
            <tbody>
              {rows.map((row, i) => (
                <tr key={i}>
                  {row.map((value, j) => (
                    <td key={j} class="figure">
                      {value}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
