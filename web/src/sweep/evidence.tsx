/** All that leads to the answer. */

import { useComputed, useSignal, type Signal } from "@preact/signals";
import type { SweepDetail } from "../api/types";
import { formatLevel } from "../format";
import { Curves } from "./curves/panel";
import { Ledger } from "./ledger/panel";
import { Log } from "./log/panel";
import { Response } from "./response/panel";
import { Rungs } from "./rungs/panel";
import { familiesIn, type Scope } from "./scope";
import { Standing } from "./standing/panel";
import { preliminaryOf } from "./standing/preliminary";
import { decaysOf, decayOf, hasCurves, isFinal } from "./state";
import type { SweepStore } from "./store";
import { PaperTable } from "./table/panel";
import { Workers } from "./workers/panel";

export function Evidence({ store }: { store: SweepStore }) {
  const { state, calm, best, settled, told } = store;
  // What the reader chose; until then, the weight decay with which the best arm is best.
  const chosen = useSignal<number | null>(null);
  const seeds = useSignal<Scope["seeds"]>("mean");
  const scope = useComputed<Scope>(() => ({
    decay: chosen.value ?? decayOf(calm.value?.detail, settled.value),
    seeds: seeds.value,
  }));
  const picked = useSignal<number | null>(null);
  const preliminary = useComputed(() => {
    const now = calm.value;
    if (!now || settled.value) return null;
    return preliminaryOf(now, familiesIn(now.detail, scope.value));
  });
  const objectives = useComputed(() => preliminary.value?.values ?? store.objectives.value);
  const leader = useComputed(() => {
    const leads = settled.value?.best;
    // The best arm is best with its weight decay, and leads with no other.
    return leads?.weight_decay === scope.value.decay ? leads.arm : null;
  });
  const now = calm.value;
  if (!now) return null;
  const drawn = !isFinal(now.status) || hasCurves(now);
  return (
    <>
      <DecayChoice detail={now.detail} decay={scope.value.decay} chosen={chosen} />
      {drawn && <Curves {...{ state, calm, scope, seeds, leader, picked }} />}
      {drawn ? (
        <div class="columns columns-evidence">
          <div class="column">
            <Response
              {...{ state: calm, best: settled, scope, objectives, preliminary, leader, picked }}
            />
            <PaperTable detail={now.detail} status={now.status} table={store.table} />
          </div>
          <div class="column">
            <Ledger state={calm} {...{ best, told }} />
            <Rungs state={calm} {...{ scope, picked }} />
          </div>
        </div>
      ) : (
        // Nothing was trained: there is nothing to draw, and no hole where it would stand.
        <Ledger state={calm} {...{ best, told }} />
      )}
      <div class="columns">
        <Standing
          state={calm}
          best={settled}
          {...{ scope, objectives, preliminary, leader, picked }}
        />
        <Log state={calm} picked={picked} />
      </div>
      <Workers state={calm} told={told} />
    </>
  );
}

interface DecayChoiceProps {
  detail: SweepDetail;
  decay: number;
  chosen: Signal<number | null>;
}

/** Which weight decay the evidence is of. */
function DecayChoice({ detail, decay, chosen }: DecayChoiceProps) {
  const decays = decaysOf(detail);
  if (decays.length < 2) return null;
  return (
    <p class="family">
      <label for="decay">Evidence with weight decay</label>
      <select
        id="decay"
        value={String(decay)}
        onChange={(event) => (chosen.value = Number(event.currentTarget.value))}
      >
        {decays.map((each) => (
          <option key={each} value={String(each)}>
            {formatLevel(each)}
          </option>
        ))}
      </select>
    </p>
  );
}
