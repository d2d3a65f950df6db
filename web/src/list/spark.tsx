/** A curve the size of a word: the best arm's, as wide as a whole run. */

import { useEffect, useRef } from "preact/hooks";
import type { Sparkline, SweepSummary } from "../api/types";
import { formatMetric } from "../format";
import { isFinal } from "../sweep/state";
import { sparkPath, WIDTH, HEIGHT } from "./spark-path";
import type { Sparks } from "./sparks";

interface SparkProps {
  sweep: SweepSummary;
  sparks: Sparks;
}

export function Spark({ sweep, sparks }: SparkProps) {
  const host = useRef<HTMLSpanElement>(null);
  const seen = useRef(false);
  const line = sparks.of(sweep.id).value;
  const asOf = sweep.updated_at;
  const latest = useRef(asOf);
  latest.current = asOf;

  useEffect(() => {
    if (!host.current) return;
    const observer = new IntersectionObserver((entries) => {
      seen.current = entries.some((entry) => entry.isIntersecting);
      if (seen.current) sparks.want(sweep.id, latest.current);
    });
    observer.observe(host.current);
    return () => observer.disconnect();
  }, [sweep.id]);
  useEffect(() => {
    if (seen.current) sparks.want(sweep.id, asOf);
  }, [asOf]);

  const epoch = line?.epoch.at(-1) ?? 0;
  return (
    <span ref={host} class="spark">
      {line && epoch > 0 ? <Drawing line={line} sweep={sweep} /> : <span class="no-spark" />}
      <span class="figures faint">
        {isFinal(sweep.status) && epoch >= sweep.epochs ? epoch : `${epoch} / ${sweep.epochs}`}
        <span class="visually-hidden"> epochs</span>
      </span>
    </span>
  );
}

function Drawing({ line, sweep }: { line: Sparkline; sweep: SweepSummary }) {
  const { path, end } = sparkPath(line, sweep.epochs);
  const unit = { unit: sweep.metric_unit };
  const [first, last] = [formatMetric(line.value[0], unit), formatMetric(line.value.at(-1), unit)];
  const words = `${line.metric} of the best arm, from ${first} to ${last}`;
  return (
    <svg
      role="img"
      aria-label={words}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
    >
      <title>{words}</title>
      <path d={path} />
      {end && <circle cx={end[0]} cy={end[1]} r="2" />}
    </svg>
  );
}
