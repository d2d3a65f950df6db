/** Colours of levels: a perceptually uniform scale, cut to what can be seen on the ground. */

/** Viridis (van der Walt & Smith, CC0) at ten even places. */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 73, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
];

/** The part of the scale that stands out from a light and from a dark ground. */
const PART = { light: [0.07, 0.88], dark: [0.26, 1] } as const;

export type Ground = keyof typeof PART;

/** The colour at `t` in 0…1 of the scale. */
export function colourAt(t: number, ground: Ground, alpha = 1): string {
  const [from, to] = PART[ground];
  const place = (from + Math.min(1, Math.max(0, t)) * (to - from)) * (VIRIDIS.length - 1);
  const below = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const low = VIRIDIS[below] ?? [0, 0, 0];
  const high = VIRIDIS[below + 1] ?? low;
  const [r, g, b] = [0, 1, 2].map((i) =>
    Math.round((low[i] ?? 0) + ((high[i] ?? 0) - (low[i] ?? 0)) * (place - below)),
  );
  return `rgb(${r} ${g} ${b} / ${alpha})`;
}

/** The colour of the plain run, which has no level: grey, as strong on either ground. */
export function neutral(ground: Ground, alpha = 1): string {
  const grey = ground === "dark" ? "160 168 178" : "112 119 128";
  return `rgb(${grey} / ${alpha})`;
}

/**
 * Colours of methods that have no level, far from the scale and from each other for all readers
 * (after Okabe & Ito's).
 */
const OTHERS = {
  light: ["200 80 0", "184 88 146", "150 110 0"],
  dark: ["244 132 60", "226 150 196", "222 180 70"],
} as const;

/** The colour of the `i`-th method without a level. */
export function otherColour(i: number, ground: Ground, alpha = 1): string {
  const colours = OTHERS[ground];
  return `rgb(${colours[i % colours.length]} / ${alpha})`;
}

/** The colours of the scale from its lower to its upper end, for a legend. */
export function stops(ground: Ground, count = 12): string[] {
  return Array.from({ length: count }, (_, i) => colourAt(i / (count - 1), ground));
}

/** Where each level lies on the scale. */
export interface LevelScale {
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  /** The place of a level in 0…1; the middle where there is but one. */
  place(level: number): number;
}

/** A scale over levels; logarithmic where they span more than two decades. */
export function levelScale(levels: readonly number[]): LevelScale {
  const low = Math.min(...levels);
  const high = Math.max(...levels);
  const log = low > 0 && high / low > 100;
  const of = (level: number) => (log ? Math.log(level) : level);
  const span = of(high) - of(low);
  return {
    low,
    high,
    log,
    place: (level) => (span > 0 ? (of(level) - of(low)) / span : 0.5),
  };
}
