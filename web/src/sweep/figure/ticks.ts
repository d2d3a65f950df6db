/** Scales and their ticks, for figures that are drawn as SVG. */

/** From values to pixels. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly log: boolean;
  at(value: number): number;
}

/** A scale over `min`…`max`, drawn from pixel `from` to pixel `to`. */
export function scaleOf(
  [min, max]: readonly [number, number],
  [from, to]: readonly [number, number],
  log = false,
): Scale {
  const of = (value: number) => (log ? Math.log(value) : value);
  const span = of(max) - of(min);
  return {
    min,
    max,
    log,
    at: (value) =>
      span === 0 ? (from + to) / 2 : from + ((of(value) - of(min)) / span) * (to - from),
  };
}

/** Round values ticksOf a range: about `count` of them at even steps of 1, 2 or 5 times a power of ten. */
export function evenTicks(min: number, max: number, count: number): number[] {
  if (!(max > min)) return [min];
  const rough = (max - min) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  // Counted, not summed up, and rounded: 0.30000000000000004 is no tick.
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Powers of ten ticksOf a range; where these are few, twice and five times them as well. */
export function logTicks(min: number, max: number): number[] {
  const powers: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power += 1) {
    powers.push(10 ** power);
  }
  const ticksOf = (digits: readonly number[]) =>
    powers
      .flatMap((power) => digits.map((digit) => Number((digit * power).toPrecision(12))))
      .filter((tick) => tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9));
  const tens = ticksOf([1]);
  if (tens.length > 3) return tens;
  const some = ticksOf([1, 2, 5]);
  return some.length > 1 ? some : ticksOf([1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

/** Ticks of a scale. */
export function ticksOf({ min, max, log }: Scale, count: number): number[] {
  return log ? logTicks(min, max) : evenTicks(min, max, count);
}

/** A range with some room around it, from 0 where it begins near there. */
export function roomy(values: readonly number[], share = 0.06): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const room = (high - low) * share || Math.abs(high) * 0.1 || 1;
  return [low >= 0 && low < room * 2 ? 0 : low - room, high + room];
}
