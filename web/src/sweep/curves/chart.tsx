import { computed, effect, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { perFrame } from "../../frame";
import { ground } from "../../theme";
import { familiesIn, isMean, type Scope } from "../scope";
import { armsByLevel, type SweepState } from "../state";
import {
  areasOf,
  armColours,
  columnName,
  endedEarly,
  levelLine,
  marksOf,
  strength,
  type Emphasis,
} from "./style";
import { createPlot, type Beside, type LineStyle, type Plot, type Pointed } from "./plot";
import { columnsOf, Filler, type Column, type Plotted, type Shown } from "./series";
import { Tooltip, type Tip } from "./tooltip";

/** What is read: an arm at an epoch, of one family or of the mean of several. */
export interface Reading {
  readonly arm: number;
  readonly epoch: number;
  readonly families: readonly number[];
}

/** What the chart shows just now, for whoever exports it. */
export interface Scene {
  readonly columns: readonly Column[];
  readonly data: Plotted["data"];
  readonly beside: Beside;
  readonly view: { x: [number, number]; y: [number, number] };
  /** How a column looks on white paper. */
  readonly paper: (column: Column) => LineStyle;
}

export interface ChartProps {
  state: ReadonlySignal<SweepState | null>;
  scope: ReadonlySignal<Scope>;
  shown: ReadonlySignal<Shown>;
  /** The arm that leads, drawn thicker. */
  leader: ReadonlySignal<number | null>;
  /** The arm that the reader has isolated. */
  picked: Signal<number | null>;
  reading: Signal<Reading | null>;
  tip: Signal<Tip | null>;
  /** Where the chart leaves how to ask it for its scene. */
  scene: { current: (() => Scene | null) | null };
}

/** The curves of a scope. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => (host.current ? drive(host.current, props) : undefined), []);
  return (
    <div class="chart-frame">
      <div
        ref={host}
        class="chart"
        tabIndex={0}
        role="group"
        aria-label="Curves of all arms. Up and down choose an arm, left and right an epoch; Enter isolates the arm, Escape shows all."
        aria-describedby="readout"
        aria-details="standing"
        onKeyDown={(event) => onKey(event, props)}
      />
      <Tooltip tip={props.tip} />
    </div>
  );
}

/** How far a key goes: arms, epochs. */
const MOVES: Record<string, readonly [number, number]> = {
  ArrowUp: [1, 0],
  ArrowDown: [-1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [0, 10],
  PageDown: [0, -10],
};

/** Reads the curves by the keyboard. */
function onKey(event: KeyboardEvent, { state, scope, leader, picked, reading, tip }: ChartProps) {
  const now = state.peek();
  if (!now) return;
  if (event.key === "Escape") {
    picked.value = null;
    reading.value = null;
    tip.value = null;
    return;
  }
  const at = reading.peek();
  const start = at?.arm ?? picked.peek() ?? leader.peek() ?? 0;
  if (event.key === "Enter") {
    picked.value = picked.peek() === start ? null : start;
    return;
  }
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const order = armsByLevel(now.detail);
  const place = Math.min(order.length - 1, Math.max(0, order.indexOf(start) + move[0]));
  const arm = order[place] ?? 0;
  const families = familiesIn(now.detail, scope.peek());
  const last = Math.max(0, ...families.map((f) => now.trials[f]?.[arm]?.epochs ?? 0));
  const epoch = Math.min(last, Math.max(1, (at?.epoch ?? last) + move[1]));
  reading.value = { arm, epoch, families };
  if (picked.peek() !== null) picked.value = arm;
}

/** Keeps a chart in step with the signals; answers how to end it. */
function drive(host: HTMLElement, props: ChartProps) {
  const { state, scope, shown, leader, picked, reading, tip, scene } = props;
  let plot: Plot | null = null;
  let filler: Filler | null = null;
  let last: Plotted = { data: [[]], points: 0, extent: null };
  let dataIsOld = false;

  const emphasis = (): Emphasis => ({
    leader: leader.peek(),
    picked: picked.peek(),
    pointed: reading.peek()?.arm ?? null,
  });

  // At most one drawing per animation frame, whatever has changed.
  const frame = perFrame(() => {
    const now = state.peek();
    if (!now || !plot || !filler) return;
    if (dataIsOld) {
      dataIsOld = false;
      last = filler.fill(now.trials);
      plot.show(last);
    } else {
      plot.restyle();
    }
  });
  const askForData = () => {
    dataIsOld = true;
    frame.ask();
  };

  function styleOf({ arm, kind, families }: Column, on = ground.peek()): LineStyle {
    const now = state.peek();
    if (!now) return { colour: "transparent", width: 1 };
    const trials = families.flatMap((family) => now.trials[family]?.[arm] ?? []);
    const ended = trials.length > 0 && trials.every(endedEarly);
    const { alpha, width } = strength(arm, ended, emphasis());
    const colour = armColours(now.detail, on);
    return { colour: colour(arm, alpha * (kind === "train" ? 0.75 : 1)), width };
  }

  function beside(on = ground.peek()): Beside {
    const now = state.peek();
    if (!now || !filler) return { marks: [], areas: [], level: null };
    const colour = armColours(now.detail, on);
    const who = emphasis();
    return {
      marks: marksOf(now, filler.columns, last.data, colour, who),
      areas: areasOf(now, filler.columns, shown.peek(), colour, who),
      level: levelLine(now.detail, shown.peek(), who.picked, colour),
    };
  }

  function onPoint(pointed: Pointed | null) {
    const now = state.peek();
    if (!pointed || !now) {
      reading.value = null;
      tip.value = null;
      return;
    }
    const { column, epoch, mark, left, top } = pointed;
    reading.value = { arm: column.arm, epoch, families: column.families };
    const columns = filler?.columns ?? [];
    const figures = columns.flatMap((each, i) => {
      const same = each.arm === column.arm && each.families === column.families;
      const value = last.data[i + 1]?.[epoch - 1];
      return same && value != null ? [{ kind: each.kind, value }] : [];
    });
    tip.value = {
      name: columnName(now, column),
      colour: armColours(now.detail, ground.peek())(column.arm),
      epoch,
      figures,
      metric: shown.peek().metric,
      words: mark?.words ?? "",
      left,
      top,
      width: host.clientWidth,
    };
  }

  // What makes another set of columns; the rest grows or changes its looks.
  const frameOf = computed(() => {
    const detail = state.value?.detail;
    return detail ?? null;
  });

  // Another set of columns, another scale or another ground is another chart.
  const stopBuilding = effect(() => {
    const detail = frameOf.value;
    const [what, where] = [shown.value, scope.value];
    // The chart's lines and letters are of the ground that it was built on.
    void ground.value;
    plot?.destroy();
    plot = null;
    if (!detail) return;
    const families = familiesIn(detail, where);
    const columns = columnsOf(armsByLevel(detail), families, isMean(detail, where), what);
    filler = new Filler(columns, what);
    plot = createPlot({
      host,
      columns,
      shown: what,
      epochs: () => detail.epochs,
      rungs: () => detail.rungs,
      styleOf: (column) => styleOf(column),
      beside: () => beside(),
      onPoint,
      onPick: (arm) => {
        picked.value = picked.peek() === arm ? null : arm;
      },
    });
    askForData();
  });
  const stopShowing = effect(() => {
    void [state.value, leader.value];
    askForData();
  });
  // Signals of objects change whenever they are set; only another arm looks different.
  const pointedArm = computed(() => reading.value?.arm ?? null);
  const stopStyling = effect(() => {
    void [picked.value, pointedArm.value];
    frame.ask();
  });

  const onLeave = () => onPoint(null);
  host.addEventListener("mouseleave", onLeave);
  scene.current = () => {
    const view = plot?.view();
    if (!filler || !view) return null;
    const { columns } = filler;
    const paper = (column: Column) => styleOf(column, "light");
    return { columns, data: last.data, beside: beside("light"), view, paper };
  };

  return () => {
    host.removeEventListener("mouseleave", onLeave);
    scene.current = null;
    stopBuilding();
    stopShowing();
    stopStyling();
    frame.cancel();
    plot?.destroy();
  };
}
