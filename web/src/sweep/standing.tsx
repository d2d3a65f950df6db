/** The table of arms: which live, which ended, and why. */

import { useSignal, type Signal } from "@preact/signals";
import type { Metric } from "../api/types";
import { decimalsOf, formatMetric, NONE } from "../format";
import { Status } from "../parts";
import { ground } from "../theme";
import { colourAt, levelScale } from "./colour";
import { Toggle } from "./evidence";
import { byLevel, byStanding, type Standing } from "./order";
import { armLabel, armName, epochOfStep, sharedReason, type SweepState } from "./state";
import { trialKey } from "./store";

interface StandingProps {
  state: SweepState;
  family: number;
  objectives: ReadonlyMap<string, Metric>;
  leader: number | null;
  picked: Signal<number | null>;
}

/** What stands beside a level that nobody trains. */
const DORMANT = "not trained: the levels beside it tell what it does";

export function StandingTable({ state, family, objectives, leader, picked }: StandingProps) {
  const order = useSignal<"standing" | "level">("standing");
  const { detail } = state;
  const trials = state.trials[family] ?? [];
  const shared = sharedReason(trials);
  const rows = trials.map((trial): Standing => {
    const b = detail.arms_list[trial.arm]?.b ?? null;
    return { trial, b, objective: objectives.get(trialKey(family, trial.arm)) ?? null };
  });
  const label = (arm: number) => {
    const item = detail.arms_list[arm];
    return item ? armLabel(item, decimals) : `arm ${arm}`;
  };
  rows.sort(order.value === "standing" ? byStanding : byLevel);
  const levels = rows.map(({ b }) => b);
  const decimals = decimalsOf(levels);
  const scale = levelScale(levels.filter((b) => b !== null));
  return (
    <section class="card" aria-labelledby="standing">
      <div class="card-head">
        <h2 id="standing">Standing</h2>
        <span class="segmented" role="group" aria-label="Order">
          <Toggle
            on={order.value === "standing"}
            set={() => (order.value = "standing")}
            words="best first"
          />
          <Toggle
            on={order.value === "level"}
            set={() => (order.value = "level")}
            words="by level"
          />
        </span>
      </div>
      {shared && !state.endReason.includes(shared) && <p class="faint">All arms: {shared}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label="Standing of the arms">
        <table class="standing">
          <thead>
            <tr>
              <th scope="col" class="figure">
                <var>b</var>
              </th>
              <th scope="col">Status</th>
              <th scope="col" class="figure">
                Epochs
              </th>
              <th
                scope="col"
                class="figure"
                title="The epoch in which it departed from plain: a mini-batch loss first fell below b"
              >
                Onset
              </th>
              <th scope="col" class="figure">
                Objective
              </th>
              {!shared && (
                <th scope="col" class="why">
                  Why
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ trial, b, objective }) => (
              <tr
                key={trial.arm}
                class={`trial-${trial.status}`}
                data-leads={trial.arm === leader || undefined}
              >
                <th scope="row" class="figure">
                  <button
                    type="button"
                    class="arm"
                    aria-pressed={picked.value === trial.arm}
                    title={`${armName(detail, trial.arm)}; brings its curves to the fore`}
                    onClick={() => (picked.value = picked.value === trial.arm ? null : trial.arm)}
                  >
                    <i
                      class="swatch"
                      style={
                        b === null ? {} : { background: colourAt(scale.place(b), ground.value) }
                      }
                    />
                    {label(trial.arm)}
                  </button>
                </th>
                <td>
                  <Status of={trial.status} />
                </td>
                <td class="figure">{trial.epochs}</td>
                <td class="figure">
                  {trial.onsetStep === null ? NONE : epochOfStep(detail, trial.onsetStep)}
                </td>
                <td class="figure">{formatMetric(objective, detail.metric)}</td>
                {!shared && (
                  <td class="why">{trial.status === "dormant" ? DORMANT : trial.reason}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
