/** Fields of the form, each with its label, its hint and its error. */

import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { FieldErrors } from "./form";

/** What the fields of a form have in common. */
interface Fields {
  /** The errors to show, by pointer. */
  readonly errors: FieldErrors;
  /** Hears which field is edited, by pointer. */
  readonly onEdit: (at: string) => void;
}

export const FieldContext = createContext<Fields>({ errors: new Map(), onEdit: () => {} });

interface FieldProps {
  /** The JSON pointer of what the field fills in; names the field too. */
  at: string;
  label: ComponentChildren;
  hint?: ComponentChildren;
}

interface TextProps extends FieldProps {
  value: string;
  onValue: (value: string) => void;
  placeholder?: string | undefined;
  /** Whether to bring up a keyboard of figures on touch screens. */
  figures?: boolean;
}

export function TextField({ at, label, hint, value, onValue, placeholder, figures }: TextProps) {
  const { errors, onEdit } = useContext(FieldContext);
  const wrong = errors.get(at);
  return (
    <div class="field">
      <label for={at}>{label}</label>
      <input
        id={at}
        name={at}
        type="text"
        class={figures ? "figure" : undefined}
        inputMode={figures ? "decimal" : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        value={value}
        onInput={(event) => {
          onValue(event.currentTarget.value);
          onEdit(at);
        }}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={describedBy(at, wrong, hint)}
      />
      <Below at={at} wrong={wrong} hint={hint} />
    </div>
  );
}

interface ChoiceProps<T extends string> extends FieldProps {
  value: T;
  onValue: (value: T) => void;
  options: readonly (readonly [T, string])[];
}

export function ChoiceField<T extends string>(props: ChoiceProps<T>) {
  const { at, label, hint, value, onValue, options } = props;
  const { errors, onEdit } = useContext(FieldContext);
  const wrong = errors.get(at);
  return (
    <div class="field">
      <label for={at}>{label}</label>
      <select
        id={at}
        name={at}
        value={value}
        onChange={(event) => {
          const chosen = options.find(([option]) => option === event.currentTarget.value);
          if (chosen) onValue(chosen[0]);
          onEdit(at);
        }}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={describedBy(at, wrong, hint)}
      >
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
      <Below at={at} wrong={wrong} hint={hint} />
    </div>
  );
}

interface CheckProps extends FieldProps {
  value: boolean;
  onValue: (value: boolean) => void;
}

export function CheckField({ at, label, value, onValue }: CheckProps) {
  const { onEdit } = useContext(FieldContext);
  return (
    <div class="field field-check">
      <label>
        <input
          id={at}
          name={at}
          type="checkbox"
          checked={value}
          onChange={(event) => {
            onValue(event.currentTarget.checked);
            onEdit(at);
          }}
        />
        {label}
      </label>
    </div>
  );
}

/** An error that belongs to a group of fields. */
export function GroupError({ at }: { at: string }) {
  const wrong = useContext(FieldContext).errors.get(at);
  return wrong ? (
    <p class="wrong" role="alert">
      {wrong}
    </p>
  ) : null;
}

function describedBy(at: string, wrong?: string, hint?: ComponentChildren): string | undefined {
  return wrong || hint ? `${at}-note` : undefined;
}

function Below({
  at,
  wrong,
  hint,
}: {
  at: string;
  wrong?: string | undefined;
  hint?: ComponentChildren;
}) {
  if (wrong) {
    return (
      <p class="wrong" id={`${at}-note`}>
        {wrong}
      </p>
    );
  }
  return hint ? (
    <p class="hint" id={`${at}-note`}>
      {hint}
    </p>
  ) : null;
}
