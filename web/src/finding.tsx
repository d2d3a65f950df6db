/** What an answer comes to, as a chip: always in words, and coloured by what they mean to the reader. */

import type { Finding } from "./api/types";

/** What a chip means: that there is something to gain, that it is still open, that it went wrong, or none of these. */
export type Tone = "good" | "open" | "bad" | "plain";

export const FINDINGS: Readonly<Record<Finding, { words: string; tone: Tone }>> = {
  helps: { words: "helps", tone: "good" },
  uncertain: { words: "too close to tell", tone: "open" },
  one_seed: { words: "one seed", tone: "open" },
  does_not_help: { words: "does not help", tone: "plain" },
  never_reached: { words: "nothing to flood", tone: "plain" },
  best_precedes_onset: { words: "best before onset", tone: "plain" },
  training_failed: { words: "training failed", tone: "bad" },
  no_answer: { words: "no answer", tone: "plain" },
  pending: { words: "no answer yet", tone: "plain" },
};

/** A finding by its name; none where there is none, or a newer server has one that isn't known here. */
export function foundIn(name: string | null | undefined): Finding | null {
  return name != null && Object.hasOwn(FINDINGS, name) ? (name as Finding) : null;
}

/** Whether an arm is best in a way that means something: among runs that learned nothing, one always is. */
export function namesArm(finding: string | null | undefined): boolean {
  return finding !== ("training_failed" satisfies Finding);
}

export function FindingChip({ of }: { of: string | null | undefined }) {
  const found = foundIn(of);
  if (!found) return null;
  const { words, tone } = FINDINGS[found];
  return (
    <span class="finding" data-tone={tone}>
      {words}
    </span>
  );
}
