/** The figures of the answer: how good, how much better, how sure, what it cost. */

import type { Best, RunEquivalents, SweepDetail } from "../../api/types";
import {
  formatChance,
  formatDifference,
  formatMetric,
  formatPercent,
  formatRuns,
  formatShare,
  NONE,
  stated,
} from "../../format";
import { metricOf, NATS, objectiveOf, SHARE } from "../../metrics";
import { Cost } from "../../parts";
import { armLabel, isPlain } from "../state";
import { IntervalGraph, IntervalPlace } from "./interval";

const NO_RIVAL = { baseline: null, difference: null };

interface FiguresProps {
  /** Null before there is an answer. */
  best: Best | null;
  runs: RunEquivalents | undefined;
  /** What is saved by pruning as far as that is decided; null where all is. */
  pruned: number | null;
  detail: SweepDetail;
}

export function Figures({ best, runs, pruned, detail }: FiguresProps) {
  const metric = objectiveOf(detail);
  const [arm, other] = [best?.best, best?.other_metric];
  // Plain beside itself, and its difference to itself, would read as figures of flooding.
  const { baseline, difference } = !best || isPlain(arm) ? NO_RIVAL : best;
  const when = best?.at === "best" ? "best epoch" : "closing tenth";
  return (
    <dl class="facts">
      {pruned !== null && !best && <ToCome several={detail.seeds > 1} when={when} />}
      {difference && (
        <Fact
          name="Difference to plain"
          value={
            <>
              {formatDifference(stated(difference), metric)}
              {best?.size_percent != null && (
                <span class="size" title="In per cent of what plain has">
                  {" "}
                  {formatPercent(best.size_percent)}
                </span>
              )}
            </>
          }
        >
          {difference.low != null && difference.high != null ? (
            <>
              <IntervalGraph of={difference} />
              {formatDifference(difference.low, metric)} to{" "}
              {formatDifference(difference.high, metric)}
              <br />
              {formatShare(difference.level)} interval, {difference.seeds} seeds
            </>
          ) : (
            "one seed: no interval"
          )}
        </Fact>
      )}
      {arm?.probability != null && (
        <Fact name="Probability of best" value={formatChance(arm.probability)}>
          <Gauge share={arm.probability} />
        </Fact>
      )}
      {other && other.prefers !== "same" && (
        <Fact name={`Best by ${other.metric}`} value={armLabel(other)}>
          {formatMetric(other.objective, metricOf(detail, other.metric))}; the best arm here has{" "}
          {formatMetric(other.of_best, metricOf(detail, other.metric))}
        </Fact>
      )}
      {arm && (
        <Fact name={`Objective, ${when}`} value={formatMetric(arm.objective, metric)}>
          {baseline && <>plain {formatMetric(baseline.objective, metric)}</>}
        </Fact>
      )}
      {arm?.test && (
        <Fact name="Test error" value={formatMetric(arm.test.error, SHARE)}>
          {baseline?.test && <>plain {formatMetric(baseline.test.error, SHARE)}</>}
        </Fact>
      )}
      {arm?.test && (
        <Fact name="Test loss" value={formatMetric(arm.test.loss, NATS)}>
          {baseline?.test && <>plain {formatMetric(baseline.test.loss, NATS)}</>}
        </Fact>
      )}
      {runs && (
        <Fact name="Run-equivalents of full grid" value={<Cost of={runs} wide />}>
          {savedWords(runs, pruned ?? runs.saved_by_pruning)}
        </Fact>
      )}
    </dl>
  );
}

/** The places of figures that there are once arms were trained to their end. */
function ToCome({ several, when }: { several: boolean; when: string }) {
  return (
    <>
      <Fact name="Difference to plain" value={NONE}>
        {several && <IntervalPlace />}
      </Fact>
      {several && <Fact name="Probability of best" value={NONE} />}
      <Fact name={`Objective, ${when}`} value={NONE} />
      <Fact name="Test error" value={NONE} />
      <Fact name="Test loss" value={NONE} />
    </>
  );
}

/** Where the rest of the full grid went, as far as it is nothing more to do. */
function savedWords(runs: RunEquivalents, pruned: number): string {
  return [
    pruned > 0 ? `${formatRuns(pruned)} saved by pruning` : "",
    runs.saved_by_sharing > 0 ? `${formatRuns(runs.saved_by_sharing)} saved by sharing` : "",
    runs.left_behind > 0 ? `${formatRuns(runs.left_behind)} left behind` : "",
    runs.redone > 0 ? `${formatRuns(runs.redone)} redone` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

interface FactProps {
  name: string;
  value: preact.ComponentChildren;
  children?: preact.ComponentChildren;
}

function Fact({ name, value, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="value">{value}</span>
        <span class="beside">{children}</span>
      </dd>
    </div>
  );
}

/** A share as a bar; the figure beside it tells the same. */
function Gauge({ share }: { share: number }) {
  return (
    <span class="bar gauge" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}
