import { useEffect, useState } from "preact/hooks";
import { later } from "../later";
import { Alert, useTitle } from "../parts";
import { Answer } from "./answer/card";
import { SweepStore } from "./store";
import { summaryWords } from "./summary";

/** Charts are most of the page: the answer is drawn before they are even fetched. */
const Evidence = later(() => import("./evidence").then((of) => of.Evidence));

/** One sweep, live: the answer, the evidence under it, the machinery last. */
export function SweepView({ id }: { id: string }) {
  const [store] = useState(() => new SweepStore(id));
  useEffect(() => () => store.close(), [store]);
  const state = store.calm.value;
  useTitle(state?.detail.name ?? "Sweep");
  if (!state) return <Waiting store={store} />;
  return (
    <>
      <div class="heading">
        <h1>{state.detail.name}</h1>
        <p class="faint summary">{summaryWords(state.detail)}</p>
      </div>
      {store.error.value && <Alert>{store.error.value}</Alert>}
      <Answer store={store} />
      <Evidence store={store} />
    </>
  );
}

function Waiting({ store }: { store: SweepStore }) {
  if (!store.error.value) return <p class="faint">Loading…</p>;
  return (
    <section class="empty">
      <h1>{store.missing.value ? "There is no such sweep" : "This sweep can't be shown"}</h1>
      <p>{store.error.value}</p>
      <p>
        {store.missing.value ? (
          <a href="#/">All sweeps</a>
        ) : (
          <button type="button" onClick={() => void store.open()}>
            Try again
          </button>
        )}
      </p>
    </section>
  );
}
