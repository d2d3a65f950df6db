/** The sweeps as a table; on narrow screens each row is a block. */

import type { SweepSummary } from "../api/types";
import { Delete } from "../delete";
import { formatDifference, formatTime, NONE, sentence, stated } from "../format";
import { FindingChip, foundIn, namesArm } from "../finding";
import { Cost, Status } from "../parts";
import { againHref, sweepHref } from "../router";
import { armLabel, isFinal, isPlain } from "../sweep/state";
import { Spark } from "./spark";
import type { ListStore } from "./store";

interface TableProps {
  sweeps: readonly SweepSummary[];
  store: ListStore;
}

export function SweepTable({ sweeps, store }: TableProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Sweeps">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Compare</span>
            </th>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col">Finding</th>
            <th scope="col">Best curve</th>
            <th scope="col" class="figure">
              Best <var>b</var>
            </th>
            <th scope="col" class="figure">
              Difference to plain
            </th>
            <th scope="col" title="Full runs spent, of those that the full grid takes">
              Run-equivalents
            </th>
            <th scope="col">Data</th>
            <th scope="col">Scheduler</th>
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
            <Row key={sweep.id} sweep={sweep} store={store} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Letters beyond which an arm has a line of its own on small screens. */
const LONG = 10;

function Row({ sweep, store }: { sweep: SweepSummary; store: ListStore }) {
  // Before its end nobody knows what is best.
  const found = foundIn(sweep.finding);
  const best = isFinal(sweep.status) && namesArm(found) ? sweep.best?.best : null;
  const label = best ? armLabel(best) : NONE;
  // Plain's difference to itself would read as a figure of flooding.
  const difference = !best || isPlain(best) ? null : sweep.best?.difference;
  return (
    <tr>
      <td class="pick">
        <input
          type="checkbox"
          aria-label={`Compare ${sweep.name}`}
          checked={store.picked.value.includes(sweep.id)}
          onChange={(event) => store.pick(sweep.id, event.currentTarget.checked)}
        />
      </td>
      <th scope="row">
        <a href={sweepHref(sweep.id)}>{sweep.name}</a>
        {sweep.end_reason && (
          <p class="because" title={sweep.end_reason}>
            {sentence(sweep.end_reason)}
          </p>
        )}
      </th>
      <td class="state">
        <Status of={sweep.status} />
        {sweep.replay_error && (
          <span class="faint" title={sweep.replay_error}>
            {" "}
            can't be replayed
          </span>
        )}
      </td>
      <td data-name="finding">{found ? <FindingChip of={found} /> : NONE}</td>
      <td data-name="best curve">
        <Spark sweep={sweep} sparks={store.sparks} />
      </td>
      <td class="figure" data-name="best b" data-long={label.length > LONG || undefined}>
        {label}
        {best && sweep.best?.before_extension && <span class="faint"> before the extension</span>}
      </td>
      <td class="figure" data-name="difference" title={sweep.metric}>
        {difference ? formatDifference(stated(difference), { unit: sweep.metric_unit }) : NONE}
      </td>
      <td data-name="cost">{sweep.best ? <Cost of={sweep.best.run_equivalents} /> : NONE}</td>
      <td data-name="data">{sweep.dataset.replaceAll("_", " ")}</td>
      <td data-name="scheduler">{sweep.scheduler}</td>
      <td class="figure faint when">
        <time dateTime={sweep.created_at}>{formatTime(sweep.created_at)}</time>
      </td>
      <td class="acts">
        <a class="button" href={againHref(sweep.id)} title="A new sweep that begins as this one">
          Again
        </a>
        {isFinal(sweep.status) && <Delete sweep={sweep} onDeleted={() => store.drop(sweep.id)} />}
      </td>
    </tr>
  );
}
