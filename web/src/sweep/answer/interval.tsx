import type { Best } from "../../api/types";
import { scaleOf } from "../figure/ticks";

type Difference = NonNullable<Best["difference"]>;

/** Units of the drawing; it is stretched to the width that there is. */
const WIDTH = 120;

/** The difference and its interval beside zero, where plain is; what is lower is left of it. */
export function IntervalGraph({ of: { mean, low, high } }: { of: Difference }) {
  if (low == null || high == null) return null;
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)];
  const room = (most - least) * 0.06 || 1;
  const at = scaleOf([least - room, most + room], [0, WIDTH]).at;
  return (
    <svg class="interval" viewBox={`0 0 ${WIDTH} 14`} preserveAspectRatio="none" aria-hidden="true">
      <path d={`M0 7H${WIDTH}`} class="interval-line" />
      <path d={`M${at(0)} 0V14`} class="interval-zero" />
      <path d={`M${at(low)} 7H${at(high)}`} class="interval-bar" />
      <path d={`M${at(mean)} 2V12`} class="interval-mean" />
    </svg>
  );
}

/** The place of an interval that is to come, as high as it with its two lines will be. */
export function IntervalPlace() {
  return (
    <>
      <svg class="interval" viewBox={`0 0 ${WIDTH} 14`} aria-hidden="true" />
      <br />
      <br />
    </>
  );
}
