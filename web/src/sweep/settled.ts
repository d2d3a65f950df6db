/** Which answer is one: what a sweep says before its end is preliminary, and no best arm. */

import type { Best } from "../api/types";
import { hasModel, isFinal, type SweepState } from "./state";

/** The answer, once there is one: of a sweep that ended early, if its best arm was trained to the end. */
export function settledOf(state: SweepState | null, best: Best | null): Best | null {
  if (!state || !best?.best || !isFinal(state.status)) return null;
  if (state.status === "completed") return best;
  const { arm, weight_decay: decay } = best.best;
  const families = state.detail.families.filter(({ weight_decay }) => weight_decay === decay);
  return families.every(({ family }) => hasModel(state.trials[family]?.[arm])) ? best : null;
}
