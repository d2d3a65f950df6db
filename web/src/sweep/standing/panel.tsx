/** The table of arms: which live, which ended, and why. */

import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Best, Metric } from "../../api/types";
import { decimalsOf, formatChance, formatMetric, formatShare, NONE } from "../../format";
import { objectiveOf } from "../../metrics";
import { Status, Toggle } from "../../parts";
import { ground } from "../../theme";
import { armColours } from "../curves/style";
import { familiesIn, type Scope } from "../scope";
import { armLabel, armName, type SweepState } from "../state";
import { sharing, isReasonOfEnd } from "../why";
import { chancesOf } from "./chances";
import { preliminaryWords, type Preliminary } from "./preliminary";
import { byLevel, byStanding, rowsOf, type Row } from "./rows";

interface StandingProps {
  state: ReadonlySignal<SweepState | null>;
  best: ReadonlySignal<Best | null>;
  scope: ReadonlySignal<Scope>;
  objectives: ReadonlySignal<ReadonlyMap<string, Metric>>;
  /** How they stand before there is an answer; null once there is one. */
  preliminary: ReadonlySignal<Preliminary | null>;
  leader: ReadonlySignal<number | null>;
  picked: Signal<number | null>;
}

/** Where on a curve the objective is read. */
const AT = { last: "the mean of the closing tenth", best: "at the best epoch" } as const;

/** What stands beside a level that nobody trains. */
const DORMANT = "not trained: estimated from its neighbours";
/** The same while it may be trained yet. */
const NOT_YET = "not trained so far";

/** Levels that nobody trains beyond which they are one row. */
const FEW = 3;

/** Letters beyond which a name has a line of its own on small screens. */
const LONG = 6;

export function Standing(props: StandingProps) {
  const chosen = useSignal<"standing" | "level" | null>(null);
  const unfolded = useSignal(false);
  const state = props.state.value;
  if (!state) return null;
  const families = familiesIn(state.detail, props.scope.value);
  const rows = rowsOf(state, families, props.objectives.value);
  const { direction } = objectiveOf(state.detail);
  const preliminary = props.preliminary.value;
  // Rows stay where they are while the sweep goes on, unless the reader wants to see who leads.
  const order = chosen.value ?? (preliminary ? "level" : "standing");
  rows.sort(order === "standing" ? byStanding(direction) : byLevel);
  const isUntrained = ({ status, trained }: Row) => status === "dormant" && trained === 0;
  const dormant = rows.filter(isUntrained).length;
  const folds = order === "standing" && dormant > FEW && !unfolded.value;
  const trials = families.flatMap((family) => state.trials[family] ?? []);
  const shared = preliminary ? null : sharing(trials);
  const several = families.length > 1;
  // Other seeds than those that are looked at have a say in these: they are of the sweep.
  const chances = chancesOf(props.best.value, props.scope.value.decay);
  const columns: Columns = {
    several,
    // Kept free for what comes at the end: columns that came in then would push the others.
    chances: preliminary ? state.detail.seeds > 1 : chances.size > 0,
    why: !shared,
    dormant: preliminary ? NOT_YET : DORMANT,
  };
  return (
    <section class="card" aria-labelledby="standing-title">
      <div class="card-head">
        <h2 id="standing-title">Standing</h2>
        <span class="segmented" role="group" aria-label="Order">
          <Toggle
            on={order === "standing"}
            set={() => (chosen.value = "standing")}
            words="best first"
          />
          <Toggle on={order === "level"} set={() => (chosen.value = "level")} words="by level" />
        </span>
      </div>
      <p class="faint">
        {preliminary
          ? preliminaryWords(preliminary, state.detail.metric)
          : shared && !isReasonOfEnd(state, shared)
            ? `All arms: ${shared.reason}`
            : `By ${state.detail.metric}, ${AT[state.detail.at]}.`}
      </p>
      <div
        id="standing"
        class="scroll tall"
        tabIndex={0}
        role="region"
        aria-label="Standing of the arms"
      >
        <table
          class="standing"
          data-seeds={several || undefined}
          data-chances={columns.chances || undefined}
          data-preliminary={preliminary ? true : undefined}
        >
          <Head {...columns} />
          <tbody>
            <Rows
              {...props}
              state={state}
              rows={folds ? rows.filter((row) => !isUntrained(row)) : rows}
              columns={columns}
              chances={chances}
            />
            {folds && (
              <tr class="more">
                <td colSpan={9}>
                  <button type="button" class="quiet" onClick={() => (unfolded.value = true)}>
                    {dormant} more levels
                  </button>
                  <span class="faint">
                    {preliminary
                      ? " are not trained so far"
                      : " were not trained: estimated from their neighbours"}
                  </span>
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Which of the columns there are that not every sweep has. */
interface Columns {
  several: boolean;
  chances: boolean;
  why: boolean;
  /** What is said of levels that nobody trains. */
  dormant: string;
}

function Head({ several, chances, why }: Columns) {
  return (
    <thead>
      <tr>
        <th scope="col" class="figure">
          <var>b</var>
        </th>
        <th scope="col">Status</th>
        {several && (
          <th scope="col" class="figure wide" title="Seeds that were trained, of all">
            Seeds
          </th>
        )}
        <th scope="col" class="figure">
          Epochs
        </th>
        <th
          scope="col"
          class="figure onset"
          title="The epoch in which it departed from plain: a mini-batch loss first fell below b"
        >
          Onset
        </th>
        <th
          scope="col"
          class="figure wide"
          title="The share of the last epoch's steps that ascended; under one half while the level is held"
        >
          Ascending
        </th>
        <th scope="col" class="figure">
          Objective
        </th>
        {chances && (
          <th
            scope="col"
            class="figure"
            title="How likely it is the best of all arms with new seeds"
          >
            P(best)
          </th>
        )}
        {why && (
          <th scope="col" class="why">
            Why
          </th>
        )}
      </tr>
    </thead>
  );
}

interface RowsProps {
  state: SweepState;
  rows: readonly Row[];
  columns: Columns;
  chances: ReadonlyMap<number, number>;
  leader: ReadonlySignal<number | null>;
  picked: Signal<number | null>;
}

function Rows({ state, rows, columns, chances, leader, picked }: RowsProps) {
  const { detail } = state;
  const levels = rows.map(({ b }) => b);
  const decimals = decimalsOf(levels);
  const colour = armColours(detail, ground.value);
  const label = (arm: number) => {
    const item = detail.arms_list[arm];
    return item ? armLabel(item, decimals) : `arm ${arm}`;
  };
  return (
    <>
      {rows.map((row) => (
        <tr
          key={row.arm}
          class={`trial-${row.status}`}
          data-leads={row.arm === leader.value || undefined}
          data-picked={row.arm === picked.value || undefined}
        >
          <th scope="row" class="figure" data-long={label(row.arm).length > LONG || undefined}>
            <button
              type="button"
              class="arm"
              aria-pressed={picked.value === row.arm}
              title={`${armName(detail, row.arm)}; isolates its curves`}
              onClick={() => (picked.value = picked.value === row.arm ? null : row.arm)}
            >
              <i class="swatch" style={{ background: colour(row.arm) }} />
              {label(row.arm)}
            </button>
          </th>
          <td>
            <Status of={row.status} />
          </td>
          {columns.several && (
            <td class="figure wide">
              {row.trained} <span class="faint">/ {row.seeds}</span>
            </td>
          )}
          <td class="figure">{range(row.epochs)}</td>
          <td class="figure onset">{row.onset === null ? NONE : Math.round(row.onset)}</td>
          <td class="figure wide">{row.ascending === null ? NONE : formatShare(row.ascending)}</td>
          <td class="figure">{formatMetric(row.objective, objectiveOf(detail))}</td>
          {columns.chances && <td class="figure">{chanceWords(chances.get(row.arm))}</td>}
          {columns.why && (
            <Why words={row.reason || (row.status === "dormant" ? columns.dormant : "")} />
          )}
        </tr>
      ))}
    </>
  );
}

/** Why a row has its status; while the sweep goes on in one line, so that no row grows. */
function Why({ words }: { words: string }) {
  return (
    <td class="why" title={words}>
      <span>{words}</span>
    </td>
  );
}

function chanceWords(chance: number | undefined): string {
  return chance === undefined ? NONE : formatChance(chance);
}

/** `25`, or `25–100` where seeds differ. */
function range([least, most]: readonly [number, number]): string {
  return least === most ? String(most) : `${least}–${most}`;
}
