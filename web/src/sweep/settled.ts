/** Which answer is one: what a sweep says before its end is preliminary, and no best arm. */

import type { Best } from "../api/types";
import { isFinal, type SweepState } from "./state";

/** The answer, once there is one: of an extension that was cancelled or failed, the one before it. */
export function settledOf(state: SweepState | null, best: Best | null): Best | null {
  if (!state || !best?.best || !isFinal(state.status)) return null;
  return state.status === "completed" || best.before_extension ? best : null;
}
