/** Numbers and times as people read them; figures of one column share their decimals. */

import type { Metric } from "./api/types";
import { isShare, type Measured } from "./metrics";

const MINUS = "\u2212";
/** What stands where there is no figure. */
export const NONE = "–";

/** A number with a true minus sign. */
function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/**
 * A number that somebody chose, as short as it can be told, with a power of ten where zeros alone would
 * fill the line. The server has the same rule for the names of arms.
 */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-5 && size < 1e7)) return String(value);
  return value.toExponential().replace("e+", "e");
}

/** How many digits of a level matter. */
const DIGITS = 4;

/** A flood level or a weight decay, in at most four significant digits. */
export function formatLevel(level: number | null | undefined, decimals?: number): string {
  if (level == null) return NONE;
  const rounded = Number(level.toPrecision(DIGITS));
  return decimals === undefined ? formatNumber(rounded) : fixed(rounded, decimals);
}

/**
 * How many decimals a column of levels shares; undefined where each is better given by itself,
 * since zeros would give some of them more digits than matter.
 */
export function decimalsOf(levels: readonly (number | null | undefined)[]): number | undefined {
  const given = levels.filter((level) => level != null);
  const decimals = Math.max(0, ...given.map((level) => decimalsIn(formatLevel(level))));
  return given.every((level) => level < 10 ** (DIGITS - decimals)) ? decimals : undefined;
}

/** Powers of ten are beyond all that a column can share. */
function decimalsIn(text: string): number {
  return text.includes("e") ? Infinity : (text.split(".")[1]?.length ?? 0);
}

/** A share in per cent, or another metric in its own unit; both with the digits that matter. */
export function formatMetric(value: Metric | null | undefined, metric: Measured): string {
  if (value == null) return NONE;
  if (value === "diverged") return "diverged";
  return isShare(metric) ? `${fixed(value * 100, 2)} %` : formatLoss(value);
}

/** A loss or the like: four decimals, or powers of ten where these would say nothing. */
export function formatLoss(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 5e-4 || size >= 1e4)) {
    const [digits = "0", power = "0"] = value.toExponential(2).split("e");
    return `${digits.replace("-", MINUS)}e${power.replace("+", "").replace("-", MINUS)}`;
  }
  return fixed(value, 4);
}

/** A difference of two objectives with its sign; shares differ by percentage points. */
export function formatDifference(value: number, metric: Measured): string {
  const figure = isShare(metric) ? `${fixed(value * 100, 2)} pp` : formatLoss(value);
  return value > 0 ? `+${figure}` : figure;
}

/** The difference that is told: what is expected of other seeds, or with one seed as measured. */
export function stated(difference: { mean: number; expected: number | null }): number {
  return difference.expected ?? difference.mean;
}

/** A difference in per cent with its sign: `−23 %`, `+2.4 %`. */
export function formatPercent(percent: number): string {
  const figure = `${fixed(percent, Math.abs(percent) < 9.95 ? 1 : 0)} %`;
  return percent > 0 ? `+${figure}` : figure;
}

/** Run-equivalents: one decimal. */
export function formatRuns(value: number): string {
  return fixed(value, 1);
}

/** A share in per cent, without decimals. */
export function formatShare(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** A probability in per cent: only what is certain is 0 or 100 %. */
export function formatChance(value: number): string {
  if (value > 0 && value < 0.005) return "<1 %";
  if (value < 1 && value >= 0.995) return ">99 %";
  return formatShare(value);
}

/** A size in bytes with the unit that fits: `812 B`, `3.4 MB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${fixed(bytes / 1000 ** power, power === 0 ? 0 : 1)} ${units[power] ?? ""}`;
}

/** `2026-01-31 14:05`, in the reader's time zone. */
export function formatTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return NONE;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** `14:05:09`, in the reader's time zone. */
export function formatClock(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return NONE;
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `8 s`, `3 min 20 s`, `2 h 05 min`, of milliseconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** The server's words, which begin and end in the middle of a sentence, as one. */
export function sentence(words: string): string {
  const end = /[.!?…]$/.test(words) ? "" : ".";
  return words && `${words.charAt(0).toUpperCase()}${words.slice(1)}${end}`;
}

/** `1 epoch`, `20 epochs`. */
export function formatEpochs(epochs: number): string {
  return epochs === 1 ? "1 epoch" : `${epochs} epochs`;
}

/** A speed in epochs a second, with the digits that matter. */
export function formatSpeed(perSecond: number | undefined): string {
  if (perSecond === undefined) return NONE;
  if (perSecond > 0 && perSecond < 0.995) return `${Number(perSecond.toPrecision(2))} epochs/s`;
  return `${perSecond >= 9.95 ? Math.round(perSecond) : fixed(perSecond, 1)} epochs/s`;
}
