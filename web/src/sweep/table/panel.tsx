/** The paper's table: early stopping and weight decay down, without and with flooding across. */

import type { ReadonlySignal } from "@preact/signals";
import { api } from "../../api/client";
import type { SweepDetail, SweepTable, TableCell, TableRow } from "../../api/types";
import { formatLevel, formatMetric, NONE } from "../../format";
import { fileName, save } from "../../save";
import { Exports } from "../exports";

interface TableProps {
  detail: SweepDetail;
  table: ReadonlySignal<SweepTable | null>;
}

export function PaperTable({ detail, table }: TableProps) {
  const now = table.value;
  if (!now || !hasAxes(now)) return null;
  const others = [...new Set(now.rows.flatMap(({ others }) => others.map(({ method }) => method)))];
  const take = async () =>
    save(await api.file(detail.id, "/table", "text/csv"), fileName(detail.name, "table.csv"));
  return (
    <section class="card" aria-labelledby="table">
      <div class="card-head">
        <h2 id="table">
          Table <span class="faint">test error, validation error beside it</span>
        </h2>
        <Exports label="Download the table" of={[{ words: "CSV", take }]} />
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of the paper">
        <table class="paper">
          <thead>
            <tr>
              <th scope="col">Early stopping</th>
              <th scope="col" class="figure">
                Weight decay
              </th>
              <th scope="col" class="figure">
                Without flooding
              </th>
              <th scope="col" class="figure">
                With flooding
              </th>
              {others.map((method) => (
                <th key={method} scope="col" class="figure">
                  {method.replaceAll("_", " ")}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {now.rows.map((row) => (
              <tr key={`${row.early_stopping} ${row.weight_decay}`}>
                <th scope="row">{row.early_stopping ? "yes" : "no"}</th>
                <td class="figure">{formatLevel(row.weight_decay)}</td>
                {cellsOf(row, others).map((cell, i) => (
                  <Cell key={i} cell={cell} best={cell !== null && cell === bestOf(now.rows)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Whether there is anything to compare: a row with both of its sides. */
export function hasAxes({ rows }: SweepTable): boolean {
  return rows.some((row) => row.without != null && row.with != null);
}

function cellsOf(row: TableRow, others: readonly string[]): (TableCell | null)[] {
  const of = (method: string) => row.others.find((cell) => cell.method === method) ?? null;
  return [row.without ?? null, row.with ?? null, ...others.map(of)];
}

/** The cell whose validation error is lowest: test figures choose nothing. */
function bestOf(rows: readonly TableRow[]): TableCell | undefined {
  const cells = rows.flatMap((row) => [row.without ?? [], row.with ?? [], row.others].flat());
  const value = ({ val_error: { mean } }: TableCell) => (mean === "diverged" ? Infinity : mean);
  return cells.toSorted((a, b) => value(a) - value(b))[0];
}

function Cell({ cell, best }: { cell: TableCell | null; best: boolean }) {
  if (!cell) return <td class="figure faint">{NONE}</td>;
  const spread = cell.test_error?.standard_error;
  return (
    <td class="figure" data-best-cell={best || undefined}>
      <span class="paper-value">
        {formatMetric(cell.test_error?.mean, "val_error")}
        {spread != null && <span class="faint"> ±{(spread * 100).toFixed(2)}</span>}
      </span>
      <span class="faint">
        {formatMetric(cell.val_error.mean, "val_error")}
        {cell.b != null && (
          <>
            , <var>b</var> = {formatLevel(cell.b)}
          </>
        )}
      </span>
    </td>
  );
}
