import { useEffect, useState } from "preact/hooks";
import type { SweepSummary } from "../api/types";
import { formatDifference, formatTime, metricWords, NONE } from "../format";
import { Alert, Cost, Status, useTitle } from "../parts";
import { sweepHref } from "../router";
import { armLabel } from "../sweep/state";
import { ListStore } from "./store";

/** All sweeps, newest first. */
export function ListView() {
  useTitle("Sweeps");
  const [store] = useState(() => new ListStore());
  useEffect(() => () => store.close(), [store]);
  const sweeps = store.sweeps.value;
  return (
    <>
      <div class="heading">
        <h1>Sweeps</h1>
        <a class="button primary" href="#/new">
          New sweep
        </a>
      </div>
      {store.error.value && <Alert>{store.error.value}</Alert>}
      {sweeps?.length === 0 && <Empty />}
      {sweeps && sweeps.length > 0 && <Table sweeps={sweeps} />}
      {store.cursor.value && (
        <button type="button" onClick={() => void store.more()}>
          Older sweeps
        </button>
      )}
    </>
  );
}

function Empty() {
  return (
    <section class="empty">
      <h2>No sweeps yet</h2>
      <p>
        A sweep trains one recipe at several flood levels <var>b</var> and at none, and tells which
        level is best, and by how much.
      </p>
      <p>
        <a href="#/new">Submit the first one here</a>: its form is filled in for the built-in digits
        and takes a minute or two. Or from a terminal:
      </p>
      <pre>floodgauge submit examples/digits.toml --watch</pre>
    </section>
  );
}

function Table({ sweeps }: { sweeps: readonly SweepSummary[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Sweeps">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col">Data</th>
            <th scope="col">Scheduler</th>
            <th scope="col" class="figure">
              Best <var>b</var>
            </th>
            <th scope="col" class="figure">
              To plain
            </th>
            <th
              scope="col"
              class="figure"
              title="Full runs spent, of those that the full grid takes"
            >
              Run-equivalents
            </th>
            <th scope="col" class="figure">
              Submitted
            </th>
          </tr>
        </thead>
        <tbody>
          {sweeps.map((sweep) => (
            <Row key={sweep.id} sweep={sweep} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ sweep }: { sweep: SweepSummary }) {
  const best = sweep.best?.best;
  const difference = sweep.best?.difference;
  return (
    <tr>
      <th scope="row">
        <a href={sweepHref(sweep.id)}>{sweep.name}</a>
      </th>
      <td>
        <Status of={sweep.status} />
      </td>
      <td data-name="data">{sweep.dataset.replaceAll("_", " ")}</td>
      <td data-name="scheduler">{sweep.scheduler}</td>
      <td class="figure" data-name="best b">
        {best ? armLabel({ ...best, name: best.arm }) : NONE}
      </td>
      <td class="figure" data-name="to plain" title={metricWords(sweep.metric)}>
        {difference ? formatDifference(difference.mean, sweep.metric) : NONE}
      </td>
      <td class="figure" data-name="cost">
        {sweep.best ? <Cost of={sweep.best.run_equivalents} /> : NONE}
      </td>
      <td class="figure faint">
        <time dateTime={sweep.created_at}>{formatTime(sweep.created_at)}</time>
      </td>
    </tr>
  );
}
