import { useEffect, useState } from "preact/hooks";
import type { SweepSummary } from "../api/types";
import { Delete } from "../delete";
import { formatDifference, formatTime, metricWords, NONE } from "../format";
import { Alert, Cost, Status, useTitle } from "../parts";
import { sweepHref } from "../router";
import { armLabel, isFinal, isPlain } from "../sweep/state";
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
      {!sweeps && !store.error.value && <p class="faint">Loading…</p>}
      {sweeps && (sweeps.length > 0 || store.search.value || store.shown.value) && (
        <Search store={store} />
      )}
      {sweeps?.length === 0 && (store.shown.value ? <NotFound store={store} /> : <Empty />)}
      {sweeps && sweeps.length > 0 && <Table sweeps={sweeps} onDeleted={(id) => store.drop(id)} />}
      {store.cursor.value && (
        <p>
          <button type="button" onClick={() => void store.more()}>
            Older sweeps
          </button>
        </p>
      )}
    </>
  );
}

function Search({ store }: { store: ListStore }) {
  return (
    <p class="search" role="search">
      <label class="visually-hidden" for="search">
        Search sweeps
      </label>
      <input
        id="search"
        type="search"
        placeholder="Name, or beginning of an id"
        autocomplete="off"
        spellcheck={false}
        value={store.search.value}
        onInput={(event) => store.find(event.currentTarget.value)}
      />
    </p>
  );
}

function NotFound({ store }: { store: ListStore }) {
  return (
    <section class="empty" role="status">
      <p>
        No sweep has “{store.shown.value}” in its name, nor as the beginning of its id (eight
        characters or more).
      </p>
      <p>
        <button type="button" onClick={() => store.find("")}>
          Show all sweeps
        </button>
      </p>
    </section>
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

interface TableProps {
  sweeps: readonly SweepSummary[];
  onDeleted: (id: string) => void;
}

function Table({ sweeps, onDeleted }: TableProps) {
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
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sweeps.map((sweep) => (
            <Row key={sweep.id} sweep={sweep} onDeleted={() => onDeleted(sweep.id)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ sweep, onDeleted }: { sweep: SweepSummary; onDeleted: () => void }) {
  const best = sweep.best?.best;
  // Plain's difference to itself would read as a figure of flooding.
  const difference = isPlain(best) ? null : sweep.best?.difference;
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
      <td class="figure faint when">
        <time dateTime={sweep.created_at}>{formatTime(sweep.created_at)}</time>
      </td>
      <td class="acts">
        {isFinal(sweep.status) && <Delete sweep={sweep} onDeleted={onDeleted} />}
      </td>
    </tr>
  );
}
