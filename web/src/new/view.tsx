import { effect, useComputed, useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ProblemError, wordsOf } from "../api/client";
import { onReturn } from "../api/pulse";
import type { DatasetItem, Problem } from "../api/types";
import { Alert, useTitle } from "../parts";
import { sweepHref } from "../router";
import { AsFile } from "./as-file";
import { datasetHint, datasetOptions } from "./datasets";
import { FieldContext, type Extra } from "./fields";
import { edit, fill, startingForm } from "./fill";
import { spell } from "./form";
import { newKey } from "./key";
import { PlanView } from "./plan";
import { Planner } from "./planner";
import { afterEdit, showProblem, type Shown } from "./problem";
import type { Form } from "./ranges";
import { SectionView } from "./sections";
import { SECTIONS } from "./table";
import { Upload } from "./upload";

const NOTHING: Shown = { fields: new Map(), general: [] };

/** The form of a new sweep, begun as a past one if there is one. */
export function NewView({ from }: { from: string | null }) {
  useTitle("New sweep");
  const form = useSignal<Form>(startingForm());
  const shown = useSignal<Shown>(NOTHING);
  const sending = useSignal(false);
  const notice = useSignal("");
  // A submission sent again, say after a lost answer, must not make a second sweep.
  const key = useRef(newKey());
  const element = useRef<HTMLFormElement>(null);
  const datasets = useSignal<DatasetItem[]>([]);
  const spelled = useComputed(() => spell(form.value));

  const [planner] = useState(() => new Planner());
  /** The fields that the reader has edited: what is wrong there is told at once. */
  const edited = useRef(new Set<string>());

  useEffect(() => {
    const stopAsking = effect(() => {
      planner.ask("spec" in spelled.value ? spelled.value.spec : null);
    });
    const stopWatching = effect(() => {
      const problem = planner.problem.value;
      if (problem) showRefused(problem);
    });
    return () => {
      stopAsking();
      stopWatching();
      planner.close();
    };
  }, []);
  useEffect(() => {
    void listDatasets(datasets, shown);
    return onReturn(() => {
      void listDatasets(datasets, shown);
      if ("spec" in spelled.value) planner.ask(spelled.value.spec);
    });
  }, []);
  useEffect(() => {
    if (from) void begin(from);
  }, []);

  async function begin(id: string) {
    try {
      const { spec, name } = await api.sweep(id);
      const filled = fill(spec);
      form.value = filled.form;
      notice.value = [
        `Filled in as “${name}”.`,
        ...filled.lost.map((what) => `Not held: ${what}.`),
      ].join(" ");
    } catch (error) {
      shown.value = { ...NOTHING, general: [`the sweep can't be begun from: ${wordsOf(error)}`] };
    }
  }

  /** Tells what the server has against fields that were edited; others are told at submission. */
  function showRefused(problem: Problem) {
    const { fields } = showProblem(problem, form.peek());
    const refused = [...fields].filter(([at]) =>
      [...edited.current].some((each) => each.startsWith(at)),
    );
    if (refused.length === 0) return;
    const before = shown.peek();
    shown.value = { ...before, fields: new Map([...before.fields, ...refused]) };
  }

  function onEdit(at: string, value: string) {
    edited.current.add(at);
    form.value = edit(form.value, at, value);
    // An error is about what was sent, so it goes once its field is another.
    shown.value = afterEdit(shown.value, at);
    key.current = newKey();
  }

  function show(what: Shown) {
    shown.value = what;
    // The errors are drawn first; then the reader is brought to the first of them.
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>("[aria-invalid=true], [role=alert]")?.focus();
    });
  }

  async function submit(event: Event) {
    event.preventDefault();
    if (sending.value) return;
    const now = spelled.value;
    if ("errors" in now) {
      show({ fields: now.errors, general: [] });
      return;
    }
    sending.value = true;
    try {
      const sweep = await api.submit(now.spec, key.current);
      window.location.hash = sweepHref(sweep.id);
    } catch (error) {
      show(
        error instanceof ProblemError
          ? showProblem(error.problem, form.value)
          : { fields: new Map(), general: [wordsOf(error)] },
      );
    } finally {
      sending.value = false;
    }
  }

  const fields = {
    form: form.value,
    errors: shown.value.fields,
    extras: extrasOf(datasets.value, form.value),
    onEdit,
  };
  return (
    <FieldContext.Provider value={fields}>
      <h1>New sweep</h1>
      {notice.value && <p role="status">{notice.value}</p>}
      <form ref={element} class="new" onSubmit={(event) => void submit(event)} noValidate>
        {SECTIONS.map((section, i) => (
          <SectionView key={section.legend} section={section}>
            {i === 0 && (
              <Upload
                onAdded={(item) => {
                  datasets.value = [
                    ...datasets.value.filter(({ name }) => name !== item.name),
                    item,
                  ];
                  onEdit("/recipe/dataset/name", item.name);
                }}
              />
            )}
          </SectionView>
        ))}
        <footer>
          {shown.value.general.map((words) => (
            <Alert key={words}>{words}</Alert>
          ))}
          {shown.value.fields.size > 0 && (
            <Alert>
              {shown.value.fields.size === 1
                ? "One field needs another look."
                : `${shown.value.fields.size} fields need another look.`}
            </Alert>
          )}
          <div class="actions">
            <button type="submit" class="primary" aria-disabled={sending.value}>
              {sending.value ? "Submitting…" : "Submit sweep"}
            </button>
          </div>
          <PlanView planner={planner} />
          <AsFile spelled={spelled.value} />
        </footer>
      </form>
    </FieldContext.Provider>
  );
}

async function listDatasets(datasets: Signal<DatasetItem[]>, shown: Signal<Shown>) {
  const failed = "the data sets can't be listed: ";
  const others = () => shown.value.general.filter((words) => !words.startsWith(failed));
  try {
    datasets.value = await api.datasets();
    shown.value = { ...shown.value, general: others() };
  } catch (error) {
    shown.value = { ...shown.value, general: [...others(), failed + wordsOf(error)] };
  }
}

/** What fields show that depends on the data sets that are there. */
function extrasOf(datasets: readonly DatasetItem[], form: Form): Record<string, Extra> {
  const name = form["/recipe/dataset/name"] ?? "";
  const chosen = datasets.find((item) => item.name === name);
  const samples = (count: number | undefined): Extra =>
    count === undefined ? {} : { placeholder: String(count) };
  return {
    "/recipe/dataset/name": {
      hint: datasetHint(chosen),
      options: datasetOptions(datasets, name),
    },
    "/recipe/dataset/n_train": samples(chosen?.n_train),
    "/recipe/dataset/n_val": samples(chosen?.n_val),
  };
}
