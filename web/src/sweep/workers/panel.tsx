/** Who trains what, how fast, on what, and when it was last heard of. */

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Segment } from "../../api/types";
import { formatDuration, formatEpochs, formatSpeed, formatTime, NONE } from "../../format";
import { armName, isFinal, type SweepState, type Trouble, type Worker } from "../state";
import type { Told } from "../told";
import { strangers, troubleOf, type Named } from "./trouble";
import { deviceOf, speedOf } from "./workers";

/** Beyond this a worker that trains is worth a second look, in milliseconds. */
const SILENT_MS = 15_000;

interface WorkersProps {
  state: ReadonlySignal<SweepState | null>;
  told: ReadonlySignal<Told | null>;
}

export function Workers({ state, told: by }: WorkersProps) {
  const now = state.value;
  const live = now !== null && !isFinal(now.status);
  const time = useClock(live);
  const told = (live && by.value?.troubled_workers) || [];
  if (!now) return null;
  const workers = [...now.workers.values()];
  const others = strangers(now, told);
  return (
    <section class="card" aria-labelledby="workers">
      <div class="card-head">
        <h2 id="workers">Workers</h2>
      </div>
      {workers.length === 0 ? (
        <p class="faint">No worker has taken any of it yet.</p>
      ) : (
        <ul class="workers">
          {workers.map((worker) => (
            <OneWorker
              key={worker.name}
              state={now}
              worker={worker}
              trouble={live ? troubleOf(worker, told) : null}
              time={time}
            />
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul class="workers">
          {others.map((other) => (
            <InTrouble key={other.name} other={other} time={time} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** A worker of the server that asks for no work. */
function InTrouble({ other: { name, trouble }, time }: { other: Named; time: number }) {
  return (
    <li class="worker">
      <p class="worker-name">
        <span class="status status-failed">{name}</span>
      </p>
      <p class="bad">{troubleWords(trouble, time)}</p>
    </li>
  );
}

/** `is in trouble: its disk is full; next try in 40 s`. */
function troubleWords({ message, next }: Trouble, time: number): string {
  return `is in trouble: ${message}; next try in ${formatDuration(next - time)}`;
}

/** The time, each second while it matters. */
function useClock(running: boolean): number {
  const time = useSignal(Date.now());
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => (time.value = Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [running, time]);
  return time.value;
}

interface OneWorkerProps {
  state: SweepState;
  worker: Worker;
  trouble: Trouble | null;
  time: number;
}

function OneWorker({ state, worker, trouble, time }: OneWorkerProps) {
  const final = isFinal(state.status);
  const silent = Math.max(0, time - Date.parse(worker.seen));
  const trains = worker.segment !== null && !worker.lost && !final;
  return (
    <li class="worker">
      <p class="worker-name">
        <span class={`status status-${trouble ? "failed" : statusOf(worker, trains)}`}>
          {worker.name}
        </span>
        <span class="faint" title={worker.fingerprint}>
          {deviceOf(worker.fingerprint)}
        </span>
      </p>
      {trouble ? (
        <p class="bad">{troubleWords(trouble, time)}</p>
      ) : (
        <p>
          {trains ? doing(state, worker) : <span class="faint">{idleWords(worker, final)}</span>}
        </p>
      )}
      <dl class="worker-figures">
        <div>
          <dt>speed</dt>
          <dd>{trains ? formatSpeed(speedOf(worker)) : NONE}</dd>
        </div>
        <div>
          <dt>trained</dt>
          <dd>{formatEpochs(worker.epochs)}</dd>
        </div>
        <div>
          <dt>last seen</dt>
          <dd
            class={trains && silent > SILENT_MS ? "bad" : undefined}
            title={formatTime(worker.seen)}
          >
            {final ? formatTime(worker.seen) : `${formatDuration(silent)} ago`}
          </dd>
        </div>
      </dl>
    </li>
  );
}

function statusOf({ lost }: Worker, trains: boolean): string {
  return lost ? "failed" : trains ? "running" : "queued";
}

function idleWords({ lost, segment }: Worker, final: boolean): string {
  if (lost && segment !== null) {
    return "went silent: its lease expired, and its work waits for another worker";
  }
  if (lost) return "went silent: its lease expired, and its work was given out again";
  return final ? "done with this sweep" : "trains nothing of this sweep just now";
}

/** Up to two arms by name, more by their number. */
function armsWords({ detail }: SweepState, arms: readonly number[]): string {
  return arms.length <= 2
    ? arms.map((arm) => armName(detail, arm)).join(" and ")
    : `${arms.length} arms`;
}

/** The first and the last epoch of a segment. */
function epochsOf({ detail }: SweepState, segment: Segment): [number, number] {
  const perEpoch = Math.max(1, detail.steps_per_epoch);
  return [Math.floor(segment.from_step / perEpoch) + 1, Math.ceil(segment.to_step / perEpoch)];
}

/** `4 arms, seed 0, epochs 34–100: at 57`. */
function doing(state: SweepState, { segment: id }: Worker) {
  const segment = id === null ? undefined : state.segments.get(id);
  if (!segment) return NONE;
  const arms = segment.branches.flatMap((branch) => branch.arms);
  const family = state.detail.families[segment.family];
  const seed = family && state.detail.families.length > 1 ? `, seed ${family.seed}` : "";
  if (segment.kind === "test") return `tests ${armsWords(state, arms)}${seed}`;
  const [from, to] = epochsOf(state, segment);
  const at = Math.max(0, ...arms.map((arm) => state.trials[segment.family]?.[arm]?.epochs ?? 0));
  const done = Math.min(to, Math.max(from - 1, at));
  return (
    <>
      trains {armsWords(state, arms)}
      {seed}, epochs {from}–{to}
      <progress
        aria-label={`Epochs of ${armsWords(state, arms)}`}
        max={to - from + 1}
        value={done - from + 1}
      />
    </>
  );
}
