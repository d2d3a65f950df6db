/** How probable it is of each arm that it is the best, as the answer has it. */

import type { Best, SweepDetail } from "../../api/types";

/** By arm, with one weight decay; empty while nothing is known, as of one seed. */
export function chancesOf(
  best: Best | null,
  { arms_list: arms }: Pick<SweepDetail, "arms_list">,
  decay: number,
): Map<number, number> {
  const chances = new Map<number, number>();
  const known = (best?.probabilities ?? []).filter(({ weight_decay }) => weight_decay === decay);
  const named = new Map(known.map(({ arm, probability }) => [arm, probability]));
  for (const { arm, name } of arms) {
    const chance = named.get(name);
    if (chance != null) chances.set(arm, chance);
  }
  return chances;
}
