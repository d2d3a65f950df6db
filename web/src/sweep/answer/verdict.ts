/** The words of an answer, taken apart: what it is, what else is to be known, and what speaks against it. */

import type { Best } from "../../api/types";

export interface Verdict {
  /** One sentence. */
  readonly answer: string;
  readonly points: readonly string[];
  readonly against: readonly string[];
}

/** An answer as far as its words go; one of an earlier release, which logs still have, has them in one piece. */
type Worded = Pick<Best, "verdict"> & Partial<Pick<Best, "sentence" | "points" | "against">>;

export function verdictOf({ verdict, sentence = "", points = [], against = [] }: Worded): Verdict {
  if (sentence) return { answer: sentence, points, against };
  const [answer = "", ...others] = sentencesOf(verdict);
  return { answer, points: others, against };
}

/** Sentences end at a full stop with a space behind it, which no figure has. */
export function sentencesOf(words: string): string[] {
  return words.split(/(?<=[.!?…])\s+/).filter(Boolean);
}
