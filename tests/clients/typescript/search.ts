/** Submits a small sweep by the generated types, follows it to its end and reads the best b. */

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type LogEntry = components["schemas"]["LogEntry"];
type SweepSpec = components["schemas"]["SweepSpec"];

const token = process.env["FLOODGAUGE_TOKEN"] ?? "";
const client = createClient<paths>({
  baseUrl: process.argv[2] ?? "",
  headers: { authorization: `bearer ${token}` },
});

/** The entries of a sweep's log, as they come. */
async function* follow(id: string): AsyncGenerator<LogEntry> {
  const { data, error } = await client.GET("/v1/sweeps/{id}/events", {
    params: { path: { id } },
    parseAs: "stream",
  });
  assert(data, JSON.stringify(error));
  const lines = data.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of lines) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) {
      if (line.startsWith("data:")) yield JSON.parse(line.slice("data:".length)) as LogEntry;
    }
  }
}

const levels = [0.5, 0.7, 0.9];
const spec: SweepSpec = {
  name: "by a generated client, in TypeScript",
  recipe: {
    dataset: { name: "digits", label_noise: 0.2, n_train: 200, n_val: 200 },
    model: { kind: "mlp", hidden: [64, 64] },
    optimizer: { kind: "sgd", lr: 0.1 },
    batch_size: 10,
    epochs: 30,
  },
  search: { levels },
  scheduler: { kind: "grid" },
};

const planned = await client.POST("/v1/plans", { body: spec });
assert.equal(planned.data?.run_equivalents.full_grid, 4);

const submitted = await client.POST("/v1/sweeps", {
  body: spec,
  params: { header: { "idempotency-key": "typescript" } },
});
assert(submitted.data, JSON.stringify(submitted.error));
const { id } = submitted.data;
const { optimizer } = submitted.data.spec.recipe;
// The kind tells which fields there are.
assert(optimizer?.kind === "sgd" && optimizer.momentum === 0);

const refused = await client.POST("/v1/sweeps", { body: { ...spec, name: "" } });
assert.equal(refused.error?.errors[0]?.pointer, "/name");

let epochs = 0;
let best: number | null | undefined;
for await (const { event, decisions } of follow(id)) {
  if (event.type === "reported") epochs += event.rows.length;
  for (const decision of decisions) {
    if (decision.action === "complete") best = decision.best.best?.b;
  }
}
assert(epochs > 0);

const answer = await client.GET("/v1/sweeps/{id}/best", { params: { path: { id } } });
assert.equal(answer.data?.status, "completed");
assert.equal(answer.data.best?.b, best);
assert(levels.includes(best ?? Number.NaN));
const described = submitted.data.arms_list.find(({ arm }) => arm === answer.data?.best?.arm);
assert.equal(described?.parameter, best);
console.log(`TypeScript: ${epochs} rows, best b ${best}`);
