/** Who leads for now, where the verdict will be: no answer yet, and so it says. */

import { formatLevel, formatMetric } from "../../format";
import { objectiveOf } from "../../metrics";
import { familiesIn } from "../scope";
import { preliminaryOf, preliminaryWords, type Preliminary } from "../standing/preliminary";
import { byStanding, rowsOf, type Row } from "../standing/rows";
import { armName, decayOf, decaysOf, type SweepState } from "../state";

/** How many are told; the table has all. */
const FEW = 4;

export function Leaders({ state }: { state: SweepState }) {
  const { detail } = state;
  const decays = decaysOf(detail);
  const families = familiesIn(detail, { decay: decayOf(detail, null), seeds: "mean" });
  const preliminary = preliminaryOf(state, families);
  const rows = leading(state, families, preliminary);
  return (
    <div class="leaders">
      <p class="faint">
        {preliminaryWords(preliminary, detail.metric)}
        {decays.length > 1 && ` With weight decay ${formatLevel(decays[0])}.`}
      </p>
      <ol>
        {rows.map(({ arm, objective }, place) => (
          // By place: what stands there changes, and nothing moves.
          <li key={place}>
            {armName(detail, arm)} <b>{formatMetric(objective, objectiveOf(detail))}</b>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The arms that stand best after equally many epochs. */
export function leading(
  state: SweepState,
  families: readonly number[],
  { values }: Preliminary,
): Row[] {
  const { direction } = objectiveOf(state.detail);
  return rowsOf(state, families, values)
    .filter(({ objective }) => objective !== null)
    .sort(byStanding(direction))
    .slice(0, FEW);
}
