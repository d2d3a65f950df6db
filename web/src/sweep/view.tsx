import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Model, SweepDetail } from "../api/types";
import { Alert, useTitle } from "../parts";
import { Answer } from "./answer";
import { Evidence } from "./evidence";
import { familyWords } from "./log";
import { LogView } from "./log-view";
import { StandingTable } from "./standing";
import { decaysOf, familyOf, hasCurves, isFinal } from "./state";
import { SweepStore } from "./store";

/** One sweep, live. */
export function SweepView({ id }: { id: string }) {
  const [store] = useState(() => new SweepStore(id));
  useEffect(() => () => store.close(), [store]);
  // What the reader chose; until then, where the best arm is best.
  const chosen = useSignal<number | null>(null);
  const family = useComputed(
    () => chosen.value ?? familyOf(store.state.value?.detail, store.best.value),
  );
  const picked = useSignal<number | null>(null);
  const leader = useComputed(() => {
    const best = store.best.value?.best;
    const detail = store.state.value?.detail;
    // The best arm is best with its weight decay, and leads in no other family.
    if (detail?.families[family.value]?.weight_decay !== best?.weight_decay) return null;
    return detail?.arms_list.find((arm) => arm.name === best?.arm)?.arm ?? null;
  });
  const state = store.state.value;
  useTitle(state?.detail.name ?? "Sweep");

  if (!state) return <Waiting store={store} />;
  const { detail } = state;
  return (
    <>
      <div class="heading">
        <h1>{detail.name}</h1>
        <p class="faint summary">{summaryWords(detail)}</p>
      </div>
      {store.error.value && <Alert>{store.error.value}</Alert>}
      <Answer
        state={state}
        best={store.best.value}
        connected={store.connected.value}
        onCancel={() => store.cancel()}
      />
      {detail.families.length > 1 && (
        <FamilyChoice
          detail={detail}
          family={family}
          choose={(family) => (chosen.value = family)}
        />
      )}
      {(!isFinal(state.status) || hasCurves(state)) && (
        <Evidence state={store.state} family={family} leader={leader} picked={picked} />
      )}
      <div class="columns">
        <StandingTable
          state={state}
          family={family.value}
          objectives={store.objectives.value}
          leader={leader.value}
          picked={picked}
        />
        <LogView lines={state.log} />
      </div>
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

interface FamilyChoiceProps {
  detail: SweepDetail;
  family: ReadonlySignal<number>;
  choose: (family: number) => void;
}

function FamilyChoice({ detail, family, choose }: FamilyChoiceProps) {
  return (
    <p class="family">
      <label for="family">Curves and standing of</label>
      <select
        id="family"
        value={String(family.value)}
        onChange={(event) => choose(Number(event.currentTarget.value))}
      >
        {detail.families.map((each) => (
          <option key={each.family} value={String(each.family)}>
            {familyWords(each)}
          </option>
        ))}
      </select>
    </p>
  );
}

/** `MLP 128-128`, `CNN 16-32 + 128`, `ResNet-20`. */
function modelWords(model: Model): string {
  switch (model.kind) {
    case "mlp":
      return model.hidden.length > 0 ? `MLP ${model.hidden.join("-")}` : "linear model";
    case "cnn": {
      // The server fills in what a sweep leaves out; the types know only what must be sent.
      const { channels = [], hidden = [] } = model;
      return `CNN ${channels.join("-")}${hidden.length > 0 ? ` + ${hidden.join("-")}` : ""}`;
    }
    case "resnet":
      return `ResNet-${model.depth}${model.width === 16 ? "" : `, width ${model.width}`}`;
  }
}

/** `digits, label noise 0.2 · MLP 128-128 · sgd lr 0.05 · 100 epochs · 21 arms × 2 seeds · sha`. */
function summaryWords(detail: SweepDetail): string {
  const { spec, dataset, epochs, scheduler, arms, seeds } = detail;
  const { recipe } = spec;
  const decays = decaysOf(detail).length;
  const factors = [
    `${arms} arms`,
    seeds > 1 ? `${seeds} seeds` : "",
    decays > 1 ? `${decays} weight decays` : "",
  ];
  const noise = recipe.dataset.label_noise;
  const model = recipe.model;
  return [
    dataset.replaceAll("_", " ") + (noise ? `, label noise ${noise}` : ""),
    model ? modelWords(model) : "",
    recipe.optimizer ? `${recipe.optimizer.kind} lr ${recipe.optimizer.lr}` : "",
    `${epochs} epochs`,
    factors.filter(Boolean).join(" × "),
    scheduler,
  ]
    .filter(Boolean)
    .join(" · ");
}
