/** The paper's table: early stopping and weight decay down, without and with flooding across. */

import type { ReadonlySignal } from "@preact/signals";
import { api } from "../../api/client";
import type {
  MetricInfo,
  SweepDetail,
  SweepStatus,
  SweepTable,
  TableCell,
  TableRow,
} from "../../api/types";
import { formatLevel, formatMetric, NONE } from "../../format";
import { metricOf, minimised, SHARE } from "../../metrics";
import { fileName, save } from "../../save";
import { Exports } from "../exports";
import { decaysOf, isFinal } from "../state";

interface TableProps {
  detail: SweepDetail;
  status: SweepStatus;
  table: ReadonlySignal<SweepTable | null>;
}

export function PaperTable({ detail, status, table }: TableProps) {
  // Until there is one it keeps the place of what is to come.
  const now = table.value ?? (mayHaveTable(detail, status) ? blankTable(detail) : null);
  if (!now || (table.value && !hasAxes(now))) return null;
  const beside = besideTest(now);
  const others = [...new Set(now.rows.flatMap(({ others }) => others.map(({ method }) => method)))];
  const take = async () =>
    save(await api.file(detail.id, "/table", "text/csv"), fileName(detail.name, "table.csv"));
  return (
    <section class="card" aria-labelledby="table">
      <div class="card-head">
        <h2 id="table">
          Table <span class="faint">test error, {beside.name} beside it</span>
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
                  <Cell
                    key={i}
                    cell={cell}
                    beside={beside}
                    best={cell !== null && cell === bestOf(now.rows, beside)}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Whether a sweep will have the table, as far as can be told: it needs a level beside plain. */
function mayHaveTable({ arms_list: arms }: SweepDetail, status: SweepStatus): boolean {
  return (
    (!isFinal(status) || status === "completed") && arms.some(({ method }) => method === "flood")
  );
}

/** The rows that the table of a sweep will have, with nothing in them. */
export function blankTable(detail: SweepDetail): SweepTable {
  const methods = [...new Set(detail.arms_list.map(({ method }) => method))];
  const blank = { metrics: {}, seeds: 0, test_loss: null, test_error: null, weight_decay: 0 };
  const others = methods
    .filter((method) => method !== "plain" && method !== "flood")
    .map((method) => ({ ...blank, arm: 0, name: "", method, b: null, parameter: null }));
  const rows = [false, true].flatMap((early_stopping) =>
    decaysOf(detail).map((weight_decay) => ({
      early_stopping,
      weight_decay,
      without: null,
      with: null,
      others,
    })),
  );
  return {
    sweep: detail.id,
    status: detail.status,
    metric: detail.metric,
    metrics: detail.metrics,
    rows,
  };
}

/** Whether there is anything to compare: a row with both of its sides. */
export function hasAxes({ rows }: SweepTable): boolean {
  return rows.some((row) => row.without != null && row.with != null);
}

function cellsOf(row: TableRow, others: readonly string[]): (TableCell | null)[] {
  const of = (method: string) => row.others.find((cell) => cell.method === method) ?? null;
  return [row.without ?? null, row.with ?? null, ...others.map(of)];
}

/** The metric that stands beside the test error: the same on validation data or, without it, the objective. */
function besideTest({ metrics, metric }: SweepTable): MetricInfo {
  return metrics.find(({ name }) => name === "val_error") ?? metricOf({ metrics }, metric);
}

/** The cell whose figure beside the test error is best: test figures choose nothing. */
function bestOf(rows: readonly TableRow[], beside: MetricInfo): TableCell | undefined {
  const cells = rows.flatMap((row) => [row.without ?? [], row.with ?? [], row.others].flat());
  const value = (cell: TableCell) => {
    const mean = cell.metrics[beside.name]?.mean ?? "diverged";
    return mean === "diverged" ? Infinity : minimised(mean, beside.direction);
  };
  return cells.toSorted((a, b) => value(a) - value(b))[0];
}

interface CellProps {
  cell: TableCell | null;
  beside: MetricInfo;
  best: boolean;
}

function Cell({ cell, beside, best }: CellProps) {
  if (!cell) return <td class="figure faint">{NONE}</td>;
  const spread = cell.test_error?.standard_error;
  return (
    <td class="figure" data-best-cell={best || undefined}>
      <span class="paper-value">
        {formatMetric(cell.test_error?.mean, SHARE)}
        {spread != null && <span class="faint"> ±{(spread * 100).toFixed(2)}</span>}
      </span>
      <span class="faint">
        {formatMetric(cell.metrics[beside.name]?.mean, beside)}
        {cell.b != null && (
          <>
            , <var>b</var> = {formatLevel(cell.b)}
          </>
        )}
      </span>
    </td>
  );
}
