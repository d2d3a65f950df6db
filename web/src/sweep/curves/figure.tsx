/** The curves as a figure on paper: what the chart shows just now, with its legend. */

import type { SweepDetail } from "../../api/types";
import { formatLevel } from "../../format";
import { levelScale, neutral, stops } from "../colour";
import { areaPath, Axes, linePath, type Area } from "../figure/axes";
import { FONT, PAPER } from "../figure/export";
import { scaleOf } from "../figure/ticks";
import type { Scene } from "./chart";
import type { LineStyle } from "./plot";
import { axisWords, tickWords } from "./plot";
import type { Column, Shown } from "./series";

interface CurvesFigureProps {
  detail: SweepDetail;
  shown: Shown;
  scene: Scene;
  styleOf: (column: Column) => LineStyle;
}

const [WIDTH, HEIGHT] = [960, 520];
const AREA: Area = { left: 72, top: 48, right: WIDTH - 20, bottom: HEIGHT - 96 };

export function CurvesFigure({ detail, shown, scene, styleOf }: CurvesFigureProps) {
  const { columns, data, beside, view } = scene;
  const x = scaleOf(view.x, [AREA.left, AREA.right]);
  const y = scaleOf(view.y, [AREA.bottom, AREA.top], shown.log);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} font-family={FONT}>
      <rect width={WIDTH} height={HEIGHT} fill={PAPER.ground} />
      <clipPath id="area">
        <rect
          x={AREA.left}
          y={AREA.top}
          width={AREA.right - AREA.left}
          height={AREA.bottom - AREA.top}
        />
      </clipPath>
      <text x={AREA.left} y={28} font-size="15" font-weight="600" fill={PAPER.text}>
        {shortened(detail.name)}
      </text>
      <Axes
        area={AREA}
        x={x}
        y={y}
        xLabel="epoch"
        yLabel={axisWords(shown.metric)}
        xWords={(ticks) => ticks.map(String)}
        yWords={(ticks) => tickWords(ticks, shown)}
        inks={PAPER}
      />
      <g clip-path="url(#area)" fill="none" stroke-linejoin="round">
        {beside.areas.map(({ low, high, colour }, i) => (
          <path
            key={i}
            fill={colour}
            d={areaPath(
              low.flatMap((value, epoch) => {
                const most = high[epoch];
                const drawn = value != null && most != null && !(shown.log && value <= 0);
                return drawn ? [[x.at(epoch + 1), y.at(value), y.at(most)] as const] : [];
              }),
            )}
          />
        ))}
        {columns.map((column, i) => (
          <path
            key={i}
            stroke={styleOf(column).colour}
            stroke-width={styleOf(column).width}
            stroke-dasharray={column.kind === "train" ? "4 3" : undefined}
            d={linePath(
              Array.from(data[i + 1] ?? [], (value, epoch) =>
                value == null ? null : ([x.at(epoch + 1), y.at(value)] as const),
              ),
            )}
          />
        ))}
        {beside.level && (
          <path
            d={`M${AREA.left} ${y.at(beside.level.y)}H${AREA.right}`}
            stroke={beside.level.colour}
            stroke-dasharray="1 3"
          />
        )}
        {beside.marks.map((mark, i) => {
          const [cx, cy] = [x.at(mark.x), y.at(mark.y)];
          return mark.kind === "onset" ? (
            <circle key={i} cx={cx} cy={cy} r="2.6" fill={PAPER.ground} stroke={mark.colour} />
          ) : (
            <path
              key={i}
              d={`M${cx - 3} ${cy - 3}l6 6M${cx - 3} ${cy + 3}l6 -6`}
              stroke={mark.colour}
              stroke-width="1.8"
            />
          );
        })}
      </g>
      <FigureLegend detail={detail} shown={shown} />
    </svg>
  );
}

/** The colours of levels and the strokes, in a row below. */
function FigureLegend({ detail, shown }: Pick<CurvesFigureProps, "detail" | "shown">) {
  const levels = detail.arms_list.flatMap(({ b }) => (b == null ? [] : [b]));
  const scale = levelScale(levels);
  const colours = stops("light");
  const y = HEIGHT - 28;
  return (
    <g font-size="12" fill={PAPER.faint}>
      <linearGradient id="levels">
        {colours.map((colour, i) => (
          <stop key={i} offset={i / (colours.length - 1)} stop-color={colour} />
        ))}
      </linearGradient>
      {levels.length > 0 && (
        <>
          <text x={AREA.left} y={y + 4}>
            <tspan font-style="italic" font-family="Georgia, serif">
              b
            </tspan>{" "}
            {formatLevel(scale.low)}
          </text>
          <rect x={AREA.left + 52} y={y - 5} width="160" height="9" rx="2" fill="url(#levels)" />
          <text x={AREA.left + 220} y={y + 4}>
            {formatLevel(scale.high)}
            {scale.log ? " (log)" : ""}
          </text>
        </>
      )}
      <path d={`M${AREA.left + 300} ${y}h24`} stroke={neutral("light")} stroke-width="2.4" />
      <text x={AREA.left + 330} y={y + 4}>
        plain
      </text>
      {shown.metric.isLoss && shown.metric.isCompared && (
        <>
          <path d={`M${AREA.left + 390} ${y}h24`} stroke={PAPER.faint} />
          <text x={AREA.left + 420} y={y + 4}>
            validation
          </text>
          <path d={`M${AREA.left + 500} ${y}h24`} stroke={PAPER.faint} stroke-dasharray="4 3" />
          <text x={AREA.left + 530} y={y + 4}>
            training
          </text>
        </>
      )}
      <circle cx={AREA.left + 612} cy={y} r="3" fill={PAPER.ground} stroke={PAPER.faint} />
      <text x={AREA.left + 622} y={y + 4}>
        onset
      </text>
    </g>
  );
}

function shortened(name: string): string {
  return name.length > 90 ? `${name.slice(0, 89)}…` : name;
}
