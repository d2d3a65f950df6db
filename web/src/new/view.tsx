import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, ProblemError, wordsOf } from "../api/client";
import type { DatasetItem } from "../api/types";
import { Alert, useTitle } from "../parts";
import { sweepHref } from "../router";
import { FieldContext } from "./fields";
import { DEFAULTS, spell, type Form } from "./form";
import { newKey } from "./key";
import { DataSection, ModelSection, SchedulerSection, SearchSection } from "./sections";
import { afterEdit, showProblem, type Shown } from "./problem";
import { Size } from "./size";

const NOTHING: Shown = { fields: new Map(), general: [] };

/** The form of a new sweep. */
export function NewView() {
  useTitle("New sweep");
  const form = useSignal<Form>(DEFAULTS);
  const shown = useSignal<Shown>(NOTHING);
  const sending = useSignal(false);
  // A submission sent again, say after a lost answer, must not make a second sweep.
  const key = useRef(newKey());
  const element = useRef<HTMLFormElement>(null);
  const datasets = useSignal<DatasetItem[]>([]);
  useEffect(() => {
    const told = (error: unknown) => {
      const words = `the data sets can't be listed: ${wordsOf(error)}`;
      shown.value = { ...shown.value, general: [words] };
    };
    api.datasets().then((items) => (datasets.value = items), told);
  }, []);

  function set(change: Partial<Form>) {
    form.value = { ...form.value, ...change };
    key.current = newKey();
  }

  function show(what: Shown) {
    shown.value = what;
    // The errors are drawn first; then the reader is brought to the first of them.
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>("[aria-invalid=true], .alert")?.focus();
    });
  }

  async function submit(event: Event) {
    event.preventDefault();
    if (sending.value) return;
    const spelled = spell(form.value);
    if ("errors" in spelled) {
      show({ fields: spelled.errors, general: [] });
      return;
    }
    sending.value = true;
    try {
      const sweep = await api.submit(spelled.spec, key.current);
      window.location.hash = sweepHref(sweep.id);
    } catch (error) {
      show(
        error instanceof ProblemError
          ? showProblem(error.problem)
          : { fields: new Map(), general: [wordsOf(error)] },
      );
    } finally {
      sending.value = false;
    }
  }

  // An error is about what was sent, so it goes once its field is another.
  const fields = {
    errors: shown.value.fields,
    onEdit: (at: string) => {
      shown.value = afterEdit(shown.value, at);
    },
  };
  const section = { form: form.value, set };
  return (
    <FieldContext.Provider value={fields}>
      <h1>New sweep</h1>
      <form ref={element} class="new" onSubmit={(event) => void submit(event)} noValidate>
        <DataSection {...section} datasets={datasets.value} />
        <ModelSection {...section} />
        <SearchSection {...section} />
        <SchedulerSection {...section} />
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
            <Size form={form.value} />
          </div>
          <AsFile form={form.value} />
        </footer>
      </form>
    </FieldContext.Provider>
  );
}

/** The same sweep for the command line. */
function AsFile({ form }: { form: Form }) {
  const spelled = spell(form);
  return (
    <details>
      <summary>As a file for the command line</summary>
      <pre tabIndex={0}>
        {"spec" in spelled
          ? JSON.stringify(spelled.spec, null, 2)
          : "Some fields can't be read as numbers yet."}
      </pre>
    </details>
  );
}
