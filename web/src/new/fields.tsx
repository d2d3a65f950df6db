/** Fields of the form, each with its label, its hint and its error. */

import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { FieldErrors } from "./form";
import { choiceWords, rangeOf, rangeWords, type Form } from "./ranges";
import type { Field } from "./table";

/** What a field shows beside what the table says. */
export interface Extra {
  readonly hint?: string;
  readonly placeholder?: string;
  readonly options?: readonly (readonly [string, string])[];
}

/** What the fields of a form have in common. */
export interface Fields {
  readonly form: Form;
  /** The errors to show, by pointer. */
  readonly errors: FieldErrors;
  readonly extras: Readonly<Record<string, Extra>>;
  readonly onEdit: (at: string, value: string) => void;
}

export const FieldContext = createContext<Fields>({
  form: {},
  errors: new Map(),
  extras: {},
  onEdit: () => {},
});

/** A row of the table. */
export function FieldView({ field }: { field: Field }) {
  switch (field.as) {
    case "choice":
      return <Choice field={field} />;
    case "check":
    case "method":
      return <Check field={field} />;
    default:
      return <Text field={field} />;
  }
}

/** What a field tells below itself: its error or, if there is none, what it takes. */
function useField({ at, hint, as }: Field) {
  const { form, errors, extras, onEdit } = useContext(FieldContext);
  const extra = extras[at];
  const bounds = as === "choice" ? "" : rangeWords(rangeOf(at, form));
  const words = extra?.hint ?? [hint, bounds].filter(Boolean).join(", ");
  const wrong = errors.get(at);
  const note = wrong || words ? `${at}-note` : undefined;
  return {
    extra,
    wrong,
    words,
    value: form[at] ?? "",
    set: (value: string) => onEdit(at, value),
    attributes: {
      id: at,
      name: at,
      "aria-invalid": wrong ? (true as const) : undefined,
      "aria-describedby": note,
    },
  };
}

function Text({ field }: { field: Field }) {
  const { extra, wrong, words, value, set, attributes } = useField(field);
  const isText = field.as === "text";
  const isList = field.as === "numbers" || field.as === "wholes" || field.as === "pairs";
  return (
    <div class="field">
      <label for={field.at}>{field.label}</label>
      <input
        {...attributes}
        type="text"
        class={isText ? undefined : "figure"}
        // A keyboard of figures has no comma and no slash everywhere.
        inputMode={isText || isList ? undefined : "decimal"}
        autocomplete="off"
        spellcheck={false}
        placeholder={extra?.placeholder ?? (field.optional ? "automatic" : undefined)}
        value={value}
        onInput={(event) => set(event.currentTarget.value)}
      />
      <Below at={field.at} wrong={wrong} hint={words} />
    </div>
  );
}

function Choice({ field }: { field: Field }) {
  const { extra, wrong, words, value, set, attributes } = useField(field);
  const { at, label } = field;
  const offered = choiceWords(at);
  const named = { ...offered, ...field.words };
  const known = [...(field.optional ? [""] : []), ...Object.keys(offered)];
  const options =
    extra?.options ??
    (known.length > 0 ? known : Object.keys(named)).map((each) => [
      each,
      named[each] ?? each.replaceAll("_", " "),
    ]);
  return (
    <div class="field">
      <label for={at}>{label}</label>
      <select {...attributes} value={value} onChange={(event) => set(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      <Below at={at} wrong={wrong} hint={words} />
    </div>
  );
}

function Check({ field }: { field: Field }) {
  const { wrong, words, value, set, attributes } = useField(field);
  return (
    <div class={`field field-check${field.as === "method" ? " field-method" : ""}`}>
      <label>
        <input
          {...attributes}
          type="checkbox"
          checked={value === "yes"}
          onChange={(event) => set(event.currentTarget.checked ? "yes" : "")}
        />
        {field.label}
      </label>
      <Below at={field.at} wrong={wrong} hint={words} />
    </div>
  );
}

/** Errors that belong to a group of fields. */
export function GroupErrors({ of }: { of: readonly string[] }) {
  const { errors } = useContext(FieldContext);
  const wrong = of.flatMap((at) => errors.get(at) ?? []);
  return wrong.length > 0 ? (
    <p class="wrong" role="alert" tabIndex={-1}>
      {wrong.join("; ")}
    </p>
  ) : null;
}

interface BelowProps {
  at: string;
  wrong?: string | undefined;
  hint?: ComponentChildren;
}

function Below({ at, wrong, hint }: BelowProps) {
  if (!wrong && !hint) return null;
  return (
    <p class={wrong ? "wrong" : "hint"} id={`${at}-note`}>
      {wrong ?? hint}
    </p>
  );
}
