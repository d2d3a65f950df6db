/** What tests of the form share. */

import type { SweepSpec } from "../api/types";
import { edit, startingForm } from "./fill";
import { spell } from "./form";
import type { Form } from "./ranges";

/** The form as it is at first, with fields changed one after the other, as people do. */
export function formWith(changes: Readonly<Record<string, string>>): Form {
  return Object.entries(changes).reduce(
    (form, [at, value]) => edit(form, at, value),
    startingForm(),
  );
}

export function specOf(changes: Readonly<Record<string, string>>): SweepSpec {
  const spelled = spell(formWith(changes));
  if ("errors" in spelled) throw new Error(JSON.stringify([...spelled.errors]));
  return spelled.spec;
}

export function errorsOf(changes: Readonly<Record<string, string>>): Record<string, string> {
  const spelled = spell(formWith(changes));
  return "errors" in spelled ? Object.fromEntries(spelled.errors) : {};
}
