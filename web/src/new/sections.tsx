import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import { FieldContext, FieldView, GroupErrors } from "./fields";
import { isShown, type Section } from "./table";

/** A section of the form; what is put into it comes last. */
export function SectionView({
  section,
  children,
}: {
  section: Section;
  children?: ComponentChildren;
}) {
  const { form } = useContext(FieldContext);
  const groups = section.groups
    .map((group) => group.filter((field) => isShown(field, form)))
    .filter((group) => group.length > 0);
  return (
    <fieldset>
      <legend>{section.legend}</legend>
      {groups.map((group) => (
        <div key={group[0]?.at} class={group[0]?.as === "method" ? "methods" : "fields"}>
          {group.map((field) => (
            <FieldView key={field.at} field={field} />
          ))}
        </div>
      ))}
      <GroupErrors of={section.errors} />
      {children}
    </fieldset>
  );
}
