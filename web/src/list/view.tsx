import { useEffect, useState } from "preact/hooks";
import type { SweepStatus } from "../api/types";
import { Alert, useTitle } from "../parts";
import { compareHref } from "../router";
import { ALL } from "./rows";
import { ListStore } from "./store";
import { SweepTable } from "./table";

/** All sweeps, newest first. */
export function ListView() {
  useTitle("Sweeps");
  const [store] = useState(() => new ListStore());
  useEffect(() => () => store.close(), [store]);
  const sweeps = store.sweeps.value;
  const isFiltered = store.shown.value.search !== "" || store.shown.value.status !== "";
  const asksFor = store.filter.value.search !== "" || store.filter.value.status !== "";
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
      {sweeps && (sweeps.length > 0 || isFiltered || asksFor) && <FilterBar store={store} />}
      {sweeps?.length === 0 && (isFiltered ? <NotFound store={store} /> : <Empty />)}
      {sweeps && sweeps.length > 0 && <SweepTable sweeps={sweeps} store={store} />}
      {store.cursor.value && (
        <p>
          <button type="button" onClick={() => void store.more()}>
            Older sweeps
          </button>
        </p>
      )}
      <Picked store={store} />
    </>
  );
}

const STATUSES: readonly SweepStatus[] = [
  "queued",
  "running",
  "paused",
  "completed",
  "failed",
  "cancelled",
];

function FilterBar({ store }: { store: ListStore }) {
  const { search, status } = store.filter.value;
  return (
    <div class="filter" role="search">
      <label class="visually-hidden" for="search">
        Search sweeps
      </label>
      <input
        id="search"
        type="search"
        placeholder="Name, or start of an id"
        autocomplete="off"
        spellcheck={false}
        value={search}
        onInput={(event) => store.find({ search: event.currentTarget.value })}
      />
      <label class="visually-hidden" for="status">
        Status
      </label>
      <select
        id="status"
        value={status}
        onChange={(event) => store.find({ status: event.currentTarget.value as SweepStatus | "" })}
      >
        <option value="">any status</option>
        {STATUSES.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What can be done with the sweeps that are ticked. */
function Picked({ store }: { store: ListStore }) {
  const picked = store.picked.value;
  if (picked.length === 0) return null;
  return (
    <div class="picked" role="group" aria-label="Ticked sweeps">
      <span role="status">
        {picked.length === 1 ? "1 sweep: tick another to compare" : `${picked.length} sweeps`}
      </span>
      {picked.length > 1 && (
        <a class="button primary" href={compareHref(picked)}>
          Compare
        </a>
      )}
      <button type="button" onClick={() => (store.picked.value = [])}>
        Clear
      </button>
    </div>
  );
}

function NotFound({ store }: { store: ListStore }) {
  const { search, status } = store.shown.value;
  return (
    <section class="empty" role="status">
      <p>
        {search
          ? `No ${status ? `${status} ` : ""}sweep has “${search}” in its name, nor as the beginning of its id (eight characters or more).`
          : `No sweep is ${status}.`}
      </p>
      <p>
        <button type="button" onClick={() => store.find(ALL)}>
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
      <pre tabIndex={0}>floodgauge submit examples/digits.toml --watch</pre>
    </section>
  );
}
