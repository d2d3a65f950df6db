/** The answer in words: one sentence, then points, and what speaks against it. */

import type { Best } from "../../api/types";
import { verdictOf } from "./verdict";

export function VerdictWords({ of }: { of: Best }) {
  const { answer, points, against } = verdictOf(of);
  return (
    <>
      <p class="verdict">{answer}</p>
      {(points.length > 0 || against.length > 0) && (
        <div class="points">
          {points.length > 0 && <Points of={points} />}
          {against.length > 0 && (
            <div role="group" aria-labelledby="against">
              <p class="label" id="against">
                What speaks against it
              </p>
              <Points of={against} />
            </div>
          )}
        </div>
      )}
    </>
  );
}

function Points({ of }: { of: readonly string[] }) {
  return (
    <ul>
      {of.map((point) => (
        <li key={point}>{point}</li>
      ))}
    </ul>
  );
}
