/** Axes with round ticks. Pure. */

/** A scale from values to places in 0…1. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** An even axis around all values, with about so many ticks, and from `floor` on. */
export function evenAxis(values: readonly number[], count = 5, floor = -Infinity): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least || Math.abs(most) || 1;
  const step = roundStep(span / count);
  const low = Math.max(floor, Math.floor((least - span * 0.04) / step) * step);
  const high = Math.ceil((most + span * 0.04) / step) * step;
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) =>
    Number((low + i * step).toPrecision(12)),
  );
  return { low, high, ticks, place: (value) => (value - low) / (high - low) };
}

/** An axis of levels: even, or in the logarithm where they span more than two decades. */
export function levelAxis(levels: readonly number[], count = 6): Axis {
  const positive = levels.filter((level) => level > 0);
  const [least, most] = [Math.min(...positive), Math.max(...levels)];
  if (positive.length < levels.length || positive.length === 0 || most / least <= 100) {
    const whole = evenAxis([0, ...levels], count, 0);
    // Room for the marks at the highest level, and no more.
    const high = most > 0 ? most * 1.04 : 1;
    const ticks = whole.ticks.filter((tick) => tick <= high);
    return { low: 0, high, ticks, place: (value) => value / high };
  }
  const [low, high] = [Math.log10(least) - 0.08, Math.log10(most) + 0.08];
  const powers = Array.from({ length: Math.ceil(high - low) + 1 }, (_, i) => Math.ceil(low) + i);
  return {
    low: 10 ** low,
    high: 10 ** high,
    ticks: powers.filter((power) => power <= high).map((power) => Number(`1e${power}`)),
    place: (value) => (Math.log10(value) - low) / (high - low),
  };
}

/** The next step of 1, 2 or 5 times a power of ten. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const digit = [1, 2, 5, 10].find((each) => each * power >= size * 0.999) ?? 10;
  return digit * power;
}
