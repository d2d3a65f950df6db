/** How probable it is of each arm that it is the best, as the answer has it. */

import type { Best } from "../../api/types";

/** By arm, with one weight decay; empty while nothing is known, as of one seed. */
export function chancesOf(best: Best | null, decay: number): Map<number, number> {
  const chances = new Map<number, number>();
  for (const { arm, weight_decay, probability } of best?.probabilities ?? []) {
    if (weight_decay === decay && probability != null) chances.set(arm, probability);
  }
  return chances;
}
