/** The style of curves: colours of levels, who stands out, who is faded, and their marks. */

import type { SweepDetail } from "../../api/types";
import { formatLevel } from "../../format";
import { colourAt, levelScale, neutral, otherColour, type Ground } from "../colour";
import { armName, epochOfStep, type SweepState, type Trial } from "../state";
import { endReasons } from "../why";
import type { Area, LevelLine, Mark } from "./marks";
import { pointsOf, rangeOf, type Column, type Shown } from "./series";

/** Who is looked at. */
export interface Emphasis {
  /** The arm that leads. */
  readonly leader: number | null;
  /** The arm that the reader has isolated. */
  readonly picked: number | null;
  /** The arm under the pointer or the keyboard. */
  readonly pointed: number | null;
}

/** The colour of each arm: its level's; of those without a level plain is grey, others have their own. */
export function armColours(detail: SweepDetail, ground: Ground) {
  const scale = levelScale(detail.arms_list.flatMap(({ b }) => (b == null ? [] : [b])));
  const others = othersOf(detail);
  return (arm: number, alpha = 1): string => {
    const b = detail.arms_list[arm]?.b;
    if (b != null) return colourAt(scale.place(b), ground, alpha);
    const place = others.indexOf(arm);
    return place < 0 ? neutral(ground, alpha) : otherColour(place, ground, alpha);
  };
}

/** The arms without a level, plain aside. */
export function othersOf(detail: SweepDetail): number[] {
  return detail.arms_list.filter(({ arm, b }) => arm !== 0 && b == null).map(({ arm }) => arm);
}

const EARLY: ReadonlySet<string> = new Set(["pruned", "diverged", "failed", "cancelled"]);

/** Whether a trial ended before its time. */
export function endedEarly({ status }: Trial): boolean {
  return EARLY.has(status);
}

/** How strong an arm is drawn, and how wide. */
export function strength(
  arm: number,
  ended: boolean,
  { leader, picked, pointed }: Emphasis,
): { alpha: number; width: number } {
  if (arm === pointed || arm === picked) return { alpha: 1, width: 2.4 };
  // Plain is what all are compared with, and stays in sight.
  if (picked !== null) return { alpha: arm === 0 ? 0.55 : 0.1, width: arm === 0 ? 2 : 1.2 };
  const fade = (ended ? 0.35 : 1) * (pointed !== null && arm !== 0 ? 0.35 : 1);
  return { alpha: fade, width: arm === leader || arm === 0 ? 2.2 : 1.2 };
}

/** Where curves begin to depart from plain, and where they end before their time. */
export function marksOf(
  state: SweepState,
  columns: readonly Column[],
  values: readonly ArrayLike<number | null | undefined>[],
  colour: (arm: number, alpha?: number) => string,
  emphasis: Emphasis,
): Mark[] {
  const { detail } = state;
  return columns.flatMap((column, i): Mark[] => {
    const { arm, kind, families } = column;
    const curve = values[i + 1];
    if (kind === "train" || !curve) return [];
    const trials = families.flatMap((family) => state.trials[family]?.[arm] ?? []);
    const ended = trials.filter((trial) => endedEarly(trial) && trial.epochs > 0);
    const all =
      ended.length > 0 && ended.length === trials.filter(({ epochs }) => epochs > 0).length;
    const { alpha } = strength(arm, false, emphasis);
    const marks: Mark[] = [];
    const put = (of: "onset" | "end", x: number, words: string) => {
      const y = curve[x - 1];
      if (y == null || !Number.isFinite(y)) return;
      marks.push({
        kind: of,
        arm,
        x,
        y,
        words,
        colour: colour(arm, of === "end" ? Math.max(alpha * 0.6, 0.1) : alpha),
      });
    };
    const onsets = trials.flatMap(({ onsetStep }) =>
      onsetStep === null ? [] : [epochOfStep(detail, onsetStep)],
    );
    if (arm !== 0 && onsets.length > 0) {
      const mean = Math.round(onsets.reduce((sum, epoch) => sum + epoch, 0) / onsets.length);
      put("onset", mean, onsetWords(onsets, mean));
    }
    if (all) {
      // Of several seeds each has its end, and the curve that of the longest.
      const last = Math.max(...ended.map(({ epochs }) => epochs));
      put("end", lastPoint(curve, last), endReasons(ended));
    }
    return marks;
  });
}

function lastPoint(curve: ArrayLike<number | null | undefined>, epochs: number): number {
  let last = epochs;
  while (last > 1 && curve[last - 1] == null) last -= 1;
  return last;
}

function onsetWords(onsets: readonly number[], mean: number): string {
  const [low, high] = [Math.min(...onsets), Math.max(...onsets)];
  const when = low === high ? `epoch ${mean}` : `epochs ${low}–${high}, by seed`;
  return `onset in ${when}: the training loss first fell below its level`;
}

/** The level of the arm that is isolated, as a line, where losses are shown. */
export function levelLine(
  detail: SweepDetail,
  { metric }: Shown,
  picked: number | null,
  colour: (arm: number) => string,
): LevelLine | null {
  const b = picked === null ? null : detail.arms_list[picked]?.b;
  if (b == null || picked === null || !metric.isLoss) return null;
  return { y: b, colour: colour(picked), words: `flood level b = ${formatLevel(b)}` };
}

/** As many arms as may have their ranges drawn at once. */
const FEW = 3;

/** The ranges over seeds: of all arms while they are few, else of those that stand out. */
export function areasOf(
  state: SweepState,
  columns: readonly Column[],
  shown: Shown,
  colour: (arm: number, alpha: number) => string,
  { leader, picked, pointed }: Emphasis,
): Area[] {
  const few = state.detail.arms_list.length <= FEW;
  const fore = picked ?? pointed;
  const drawn = (arm: number) =>
    few ? true : fore === null ? arm === leader || arm === 0 : arm === fore || arm === 0;
  return columns.flatMap(({ arm, kind, families }) => {
    if (families.length < 2 || kind === "train" || !drawn(arm)) return [];
    const curves = families.flatMap((family) => {
      const curve = state.trials[family]?.[arm]?.curve;
      return curve ? [pointsOf(curve, kind, shown.metric)] : [];
    });
    return [{ ...rangeOf(curves, shown.smooth), colour: colour(arm, 0.16) }];
  });
}

/** `flood b=0.07`, and its seed where it is one of several. */
export function columnName(state: SweepState, { arm, families }: Column): string {
  const name = armName(state.detail, arm);
  const [family] = families;
  const seeds = new Set(state.detail.families.map((each) => each.seed));
  if (families.length !== 1 || family === undefined || seeds.size < 2) return name;
  return `${name}, seed ${state.detail.families[family]?.seed}`;
}
