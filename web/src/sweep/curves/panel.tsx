/** The curves with all that reads them: choices, legend, readout, exports. */

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { SweepState } from "../state";
import type { Scope } from "../scope";
import { Chart, type Reading, type Scene } from "./chart";
import { Choices } from "./choices";
import { CurvesExports } from "./exports";
import { Legend } from "./legend";
import { firstShown, GRADIENT } from "./metrics";
import { Readout } from "./readout";
import type { Shown } from "./series";
import type { Tip } from "./tooltip";

interface CurvesProps {
  /** As each frame has it. */
  state: ReadonlySignal<SweepState | null>;
  /** As words follow it. */
  calm: ReadonlySignal<SweepState | null>;
  scope: ReadonlySignal<Scope>;
  seeds: Signal<Scope["seeds"]>;
  leader: ReadonlySignal<number | null>;
  picked: Signal<number | null>;
}

export function Curves({ state, calm, scope, seeds, leader, picked }: CurvesProps) {
  const detail = calm.value?.detail;
  const shown = useSignal<Shown>({
    metric: detail ? firstShown(detail) : GRADIENT,
    train: true,
    validation: true,
    log: false,
    smooth: 1,
  });
  const reading = useSignal<Reading | null>(null);
  const tip = useSignal<Tip | null>(null);
  const scene = useRef<(() => Scene | null) | null>(null);
  if (!detail) return null;
  return (
    <section class="card" aria-labelledby="curves">
      <div class="card-head">
        <h2 id="curves">Curves</h2>
        <Choices detail={detail} shown={shown} seeds={seeds} />
      </div>
      <Readout state={calm} scope={scope} picked={picked} reading={reading} shown={shown} />
      <Chart {...{ state, scope, shown, leader, picked, reading, tip, scene }} />
      <div class="below">
        <Legend detail={detail} shown={shown.value} scope={scope.value} />
        <CurvesExports detail={detail} shown={shown} scene={() => scene.current?.() ?? null} />
      </div>
    </section>
  );
}
