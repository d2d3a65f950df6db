/** The words of an answer, taken apart: what it is, what else is to be known, and what speaks against it. */

import type { Best } from "../../api/types";

export interface Verdict {
  /** One sentence. */
  readonly answer: string;
  readonly points: readonly string[];
  readonly against: readonly string[];
}

/** What speaks against an answer is told once, whether or not its words have it too. */
export function verdictOf({
  verdict,
  against = [],
}: Pick<Best, "verdict"> & { against?: readonly string[] }): Verdict {
  const [answer = "", ...points] = sentencesOf(verdict);
  return { answer, points: points.filter((point) => !against.includes(point)), against };
}

/** Sentences end at a full stop with a space behind it, which no figure has. */
export function sentencesOf(words: string): string[] {
  return words.split(/(?<=[.!?…])\s+/).filter(Boolean);
}
