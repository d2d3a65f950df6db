import { useEffect, useState } from "preact/hooks";
import type { MetricInfo, SweepDetail } from "../api/types";
import { formatChance, formatDifference, formatMetric, formatShare, NONE, stated } from "../format";
import { FindingChip, namesArm } from "../finding";
import { objectiveOf, SHARE } from "../metrics";
import { Alert, Cost, Status, useTitle } from "../parts";
import { compareHref, sweepHref } from "../router";
import { verdictOf } from "../sweep/answer/verdict";
import { armLabel, isFinal, isPlain } from "../sweep/state";
import { Key, ResponseChart } from "./chart";
import { differences } from "./differences";
import { responsesOf } from "./response";
import { CompareStore, type Compared } from "./store";

/** Sweeps side by side: their answers, their responses in one figure, and in what they differ. */
export function CompareView({ ids }: { ids: readonly string[] }) {
  useTitle("Compare");
  const [store] = useState(() => new CompareStore(ids));
  useEffect(() => () => store.close(), [store]);
  const sweeps = store.sweeps.value;
  const known = sweeps.flatMap(({ detail }) => detail ?? []);
  const metrics = new Map(known.map((detail) => [detail.metric, objectiveOf(detail)]));
  return (
    <>
      <div class="heading">
        <h1>Compare</h1>
        <a href="#/">All sweeps</a>
      </div>
      <div class="answers">
        {sweeps.map((each, i) => (
          <AnswerCard
            key={each.id}
            compared={each}
            place={i}
            others={ids.filter((id) => id !== each.id)}
          />
        ))}
      </div>
      {[...metrics.values()].map((metric) => (
        <section key={metric.name} class="card" aria-label={`Response, ${metric.name}`}>
          <div class="card-head">
            <h2>
              Response <span class="faint">{metric.name} against b</span>
            </h2>
          </div>
          <Responses sweeps={sweeps} metric={metric} />
        </section>
      ))}
      {known.length > 1 && <Differences sweeps={sweeps} />}
    </>
  );
}

function Responses({ sweeps, metric }: { sweeps: readonly Compared[]; metric: MetricInfo }) {
  const responses = sweeps.flatMap(({ detail, trials }, i) =>
    detail?.metric === metric.name ? responsesOf(detail, trials, i) : [],
  );
  return <ResponseChart metric={metric} responses={responses} names={namesOf(sweeps)} />;
}

/** Names; with the end of the id where several share one. */
function namesOf(sweeps: readonly Compared[]): string[] {
  const names = sweeps.map(({ detail, id }) => detail?.name ?? id);
  return names.map((name, i) =>
    names.indexOf(name) === names.lastIndexOf(name)
      ? name
      : `${name} …${(sweeps[i]?.id ?? "").slice(-6)}`,
  );
}

interface AnswerCardProps {
  compared: Compared;
  place: number;
  others: readonly string[];
}

function AnswerCard({ compared, place, others }: AnswerCardProps) {
  const { id, detail, error } = compared;
  return (
    <section class="card answer-card" aria-label={detail?.name ?? id}>
      <div class="card-head">
        <h2>
          <Key sweep={place} /> <a href={sweepHref(id)}>{detail?.name ?? id}</a>
        </h2>
        {others.length > 0 && (
          <a class="button quiet" href={compareHref(others)}>
            Remove<span class="visually-hidden"> {detail?.name ?? id}</span>
          </a>
        )}
      </div>
      {error ? (
        <Alert>{error}</Alert>
      ) : detail ? (
        <AnswerFigures detail={detail} />
      ) : (
        <p class="faint">Loading…</p>
      )}
    </section>
  );
}

function AnswerFigures({ detail }: { detail: SweepDetail }) {
  const { status } = detail;
  const runs = detail.best?.run_equivalents;
  // Before its end nobody knows what is best.
  const best = isFinal(status) ? detail.best : null;
  const metric = objectiveOf(detail);
  const arm = namesArm(best?.finding) ? best?.best : null;
  const difference = !arm || isPlain(arm) ? null : best?.difference;
  return (
    <>
      <p class="answer-best">
        <span class="faint">best b</span> <strong>{arm ? armLabel(arm) : NONE}</strong>{" "}
        <Status of={status} /> <FindingChip of={best?.finding} />
        {best?.before_extension && <span class="faint"> before the extension</span>}
      </p>
      <dl>
        <dt>{metric.name}</dt>
        <dd>{formatMetric(arm?.objective, metric)}</dd>
        <dt>plain</dt>
        <dd>{formatMetric(best?.baseline?.objective, metric)}</dd>
        <dt>difference to plain</dt>
        <dd>
          {difference ? formatDifference(stated(difference), metric) : NONE}
          {difference?.low != null && difference.high != null && (
            <span class="faint">
              {" "}
              {formatShare(difference.level)}: {formatDifference(difference.low, metric)} to{" "}
              {formatDifference(difference.high, metric)}
            </span>
          )}
        </dd>
        {arm?.probability != null && (
          <>
            <dt>is best</dt>
            <dd>{formatChance(arm.probability)}</dd>
          </>
        )}
        {arm?.test && (
          <>
            <dt>test error</dt>
            <dd>{formatMetric(arm.test.error, SHARE)}</dd>
          </>
        )}
        <dt>cost</dt>
        <dd>{runs ? <Cost of={runs} /> : NONE}</dd>
      </dl>
      {best && <p class="verdict">{verdictOf(best).answer}</p>}
    </>
  );
}

function Differences({ sweeps }: { sweeps: readonly Compared[] }) {
  const known = sweeps.filter(({ detail }) => detail !== null);
  const names = namesOf(known);
  const fields = differences(known.flatMap(({ detail }) => detail?.spec ?? []));
  return (
    <section class="card" aria-label="What differs">
      <div class="card-head">
        <h2>What differs</h2>
      </div>
      {fields.length === 0 ? (
        <p class="faint">Nothing but their names.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Fields that differ">
          <table class="compared">
            <thead>
              <tr>
                <th scope="col">Field</th>
                {names.map((name, i) => (
                  <th key={known[i]?.id} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {fields.map(({ field, values }) => (
                <tr key={field}>
                  <th scope="row">
                    <code>{field}</code>
                  </th>
                  {values.map((value, i) => (
                    <td key={i}>{value || NONE}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
