import { computed, effect, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ground } from "../theme";
import { perFrame } from "../frame";
import { colourAt, levelScale, neutral } from "./colour";
import { createPlot, type Look, type Plot, type Reading } from "./plot";
import { columnsOf, plotted, type Column, type Shown } from "./series";
import type { SweepState } from "./state";

interface ChartProps {
  state: ReadonlySignal<SweepState | null>;
  family: ReadonlySignal<number>;
  shown: ReadonlySignal<Shown>;
  /** The arm that leads, drawn thicker. */
  leader: ReadonlySignal<number | null>;
  /** The arm that the reader has picked in the table. */
  picked: Signal<number | null>;
  reading: Signal<Reading | null>;
}

/** The curves of one family. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => (host.current ? drive(host.current, props) : undefined), []);
  return (
    <div
      ref={host}
      class="chart"
      tabIndex={0}
      role="group"
      aria-label="Curves of all arms. Up and down choose an arm, left and right an epoch."
      aria-describedby="readout"
      onKeyDown={(event) => read(event, props)}
    />
  );
}

/** How far a key goes: arms, epochs. */
const MOVES: Record<string, readonly [number, number]> = {
  ArrowUp: [1, 0],
  ArrowDown: [-1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Reads the curves by the keyboard. */
function read(event: KeyboardEvent, { state, family, leader, picked, reading }: ChartProps) {
  const move = MOVES[event.key];
  const trials = state.peek()?.trials[family.peek()];
  if (!move || !trials) return;
  event.preventDefault();
  const start = reading.peek()?.arm ?? picked.peek() ?? leader.peek() ?? 0;
  const arm = Math.min(trials.length - 1, Math.max(0, start + move[0]));
  const last = trials[arm]?.epochs ?? 0;
  const epoch = Math.min(last, Math.max(1, (reading.peek()?.epoch ?? last) + move[1]));
  picked.value = arm;
  reading.value = { arm, epoch };
}

/** Keeps a chart in step with the signals; answers how to end it. */
function drive(host: HTMLElement, { state, family, shown, leader, picked, reading }: ChartProps) {
  let plot: Plot | null = null;
  let columns: Column[] = [];

  // At most one `setData` per animation frame, whatever has changed.
  const frame = perFrame(() => {
    const now = state.peek();
    if (!now || !plot) return;
    plot.show(plotted(now.trials[family.peek()] ?? [], columns, shown.peek()));
  });

  const detail = computed(() => state.value?.detail ?? null);

  // Another set of columns, another scale or another ground is another chart.
  const stopBuilding = effect(() => {
    const now = detail.value;
    const what = shown.value;
    // The chart's lines and letters are of the ground that it was built on.
    void ground.value;
    plot?.destroy();
    plot = null;
    if (!now) return;
    columns = columnsOf(now.arms_list.length, what);
    plot = createPlot({
      host,
      columns,
      shown: what,
      epochs: now.epochs,
      rungs: now.rungs,
      look: lookOf({ state, family, leader }),
      onRead: (read) => {
        reading.value = read;
      },
    });
    frame.ask();
  });
  const stopShowing = effect(() => {
    void [state.value, family.value, leader.value];
    frame.ask();
  });
  const stopPicking = effect(() => {
    const arm = picked.value;
    plot?.focus(arm);
  });

  // The pointer's curve comes to the fore while it is there; then the picked one does again.
  const onLeave = () => plot?.focus(picked.peek());
  host.addEventListener("mouseleave", onLeave);

  return () => {
    host.removeEventListener("mouseleave", onLeave);
    stopBuilding();
    stopShowing();
    stopPicking();
    frame.cancel();
    plot?.destroy();
  };
}

/** How each column looks: its level's colour, faded where it has ended early. */
function lookOf({ state, family, leader }: Pick<ChartProps, "state" | "family" | "leader">) {
  const arms = state.peek()?.detail.arms_list ?? [];
  const scale = levelScale(arms.flatMap(({ b }) => (b == null ? [] : [b])));
  return ({ arm, kind }: Column): Look => {
    const on = ground.peek();
    const status = state.peek()?.trials[family.peek()]?.[arm]?.status;
    const ended = status === "pruned" || status === "diverged" || status === "failed";
    const leads = leader.peek() === arm;
    const alpha = (ended ? 0.4 : 1) * (kind === "train" ? 0.75 : 1);
    const b = arms[arm]?.b;
    return {
      colour: b == null ? neutral(on, alpha) : colourAt(scale.place(b), on, alpha),
      width: leads || arm === 0 ? 2.2 : 1.2,
      ended,
    };
  };
}
