/** How far a sweep is, as a bar. */

import type { Progress } from "../../api/types";
import { sentence } from "../../format";
import type { Setback } from "../state";
import { progressWords, type Bar } from "./bar";

interface ProgressBarProps {
  bar: Bar;
  progress: Progress | null | undefined;
  setback: Setback | null;
}

export function ProgressBar({ bar, progress, setback }: ProgressBarProps) {
  return (
    <div class="progress">
      <progress aria-label="Progress" max={1} value={bar.share} />
      <p>{progress ? progressWords(progress) : ""}</p>
      {setback && bar.since === setback.seq && (
        <p>There is more to do than before. {sentence(setback.words)}</p>
      )}
    </div>
  );
}
