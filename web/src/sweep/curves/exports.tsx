import type { ReadonlySignal } from "@preact/signals";
import { api } from "../../api/client";
import type { SweepDetail } from "../../api/types";
import { fileName, save } from "../../save";
import { Exports } from "../exports";
import { savePng, saveSvg } from "../figure/export";
import type { Scene } from "./chart";
import { CurvesFigure } from "./figure";
import type { Shown } from "./series";

interface CurvesExportsProps {
  detail: SweepDetail;
  shown: ReadonlySignal<Shown>;
  scene: () => Scene | null;
}

/** The curves as they are seen, and all the figures behind them. */
export function CurvesExports({ detail, shown, scene }: CurvesExportsProps) {
  const file = async (part: "/curves" | "/grid", type: string, ending: string) =>
    save(await api.file(detail.id, part, type), fileName(detail.name, ending));
  const figure = () => {
    const now = scene();
    if (!now) throw new Error("there are no curves yet");
    return <CurvesFigure detail={detail} shown={shown.peek()} scene={now} styleOf={now.paper} />;
  };
  return (
    <Exports
      label="Download the curves"
      of={[
        { words: "PNG", take: () => savePng(figure(), fileName(detail.name, "curves.png")) },
        { words: "SVG", take: () => saveSvg(figure(), fileName(detail.name, "curves.svg")) },
        {
          words: "CSV",
          take: () => file("/curves", "text/csv", "curves.csv"),
          title: "All epochs of all arms",
        },
        {
          words: "grid JSON",
          take: () => file("/grid", "application/json", "grid.json"),
          title: "All curves in the format that `floodgauge simulate` reads",
        },
      ]}
    />
  );
}
