import type { SweepDetail } from "../../api/types";
import { formatLevel } from "../../format";
import { ground } from "../../theme";
import { colourAt, levelScale, stops } from "../colour";
import { isMean, type Scope } from "../scope";
import { armName } from "../state";
import { armColours, othersOf } from "./style";
import type { Shown } from "./series";

interface LegendProps {
  detail: SweepDetail;
  shown: Shown;
  scope: Scope;
}

/** Methods without a level beyond which the legend doesn't name each. */
const MANY = 3;

/** What colours, strokes and marks mean. */
export function Legend({ detail, shown, scope }: LegendProps) {
  const others = othersOf(detail);
  const colour = armColours(detail, ground.value);
  return (
    <div class="legend">
      <LevelBar detail={detail} />
      <span>
        <i class="stroke stroke-plain" /> plain
      </span>
      {others.length <= MANY &&
        others.map((arm) => (
          <span key={arm}>
            <i class="stroke" style={{ borderTopColor: colour(arm) }} /> {armName(detail, arm)}
          </span>
        ))}
      {shown.metric.isLoss && shown.metric.isCompared && (
        <>
          <span>
            <i class="stroke" /> validation
          </span>
          <span>
            <i class="stroke stroke-dashed" /> training
          </span>
        </>
      )}
      <span>
        <svg class="glyph" viewBox="0 0 12 12" aria-hidden="true">
          <circle cx="6" cy="6" r="3.4" />
        </svg>{" "}
        onset
      </span>
      <span>
        <svg class="glyph" viewBox="0 0 12 12" aria-hidden="true">
          <path d="M2.5 2.5 9.5 9.5M2.5 9.5 9.5 2.5" />
        </svg>{" "}
        ended early
      </span>
      <span>
        <i class="stroke stroke-rung" /> rung
      </span>
      {isMean(detail, scope) && (
        <span>
          <i class="stroke stroke-range" /> range over seeds
        </span>
      )}
    </div>
  );
}

/** The colours of the levels, from the lowest to the highest. */
export function LevelBar({ detail }: { detail: SweepDetail }) {
  const levels = detail.arms_list.flatMap(({ b }) => (b == null ? [] : [b]));
  if (levels.length === 0) return null;
  const scale = levelScale(levels);
  const on = ground.value;
  const several = scale.high > scale.low;
  const middle = scale.log ? Math.sqrt(scale.low * scale.high) : (scale.low + scale.high) / 2;
  const background = several
    ? `linear-gradient(to right, ${stops(on).join(", ")})`
    : colourAt(0.5, on);
  return (
    <span class="scale">
      <var>b</var>
      <span class="figures">{formatLevel(scale.low)}</span>
      <span class="scale-bar" aria-hidden="true" style={{ background }} />
      {several && <span class="figures">{formatLevel(scale.high)}</span>}
      {scale.log && <span class="faint">log, {formatLevel(middle)} in the middle</span>}
    </span>
  );
}
