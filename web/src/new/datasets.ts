/** What a sweep can train on, as the form offers it. */

import type { DatasetItem } from "../api/types";

/** What people call the sets that have a longer name. */
const WORDS: Readonly<Record<string, string>> = {
  two_gaussians: "two Gaussians",
  mnist: "MNIST",
  fashion_mnist: "Fashion-MNIST",
  kmnist: "KMNIST",
  cifar10: "CIFAR-10",
  cifar100: "CIFAR-100",
  svhn: "SVHN",
};

const KINDS: Readonly<Record<DatasetItem["kind"], string>> = {
  built_in: "built in",
  generated: "generated",
  files: "data folder",
  uploaded: "uploaded",
};

/** The data sets to choose from: uploaded ones first, those that can't be trained on last. */
export function datasetOptions(
  sets: readonly DatasetItem[],
  chosen: string,
): (readonly [string, string])[] {
  const rank = (set: DatasetItem) => (set.ready ? (set.kind === "uploaded" ? 0 : 1) : 2);
  const sorted = [...sets].sort((a, b) => rank(a) - rank(b));
  const options = sorted.map((set) => [set.name, words(set)] as const);
  // One that isn't in the list, or not yet, stays what it is.
  return sets.some((set) => set.name === chosen) ? options : [[chosen, chosen], ...options];
}

function words(set: DatasetItem): string {
  const lacking = set.damage === null ? "files are missing" : "damaged";
  const state = set.ready ? KINDS[set.kind] : lacking;
  return `${WORDS[set.name] ?? set.name} (${state})`;
}

/** The size of a set, for the field of its name. */
export function datasetHint(set: DatasetItem | undefined): string {
  if (!set) return "";
  if (!set.ready && set.damage !== null) return `damaged: ${set.damage}; add the same file again`;
  if (!set.ready) return `the server's data folder lacks ${set.missing.join(", ")}`;
  const { image, features } = set;
  const samples = image
    ? `${image.channels > 1 ? `${image.channels} × ` : ""}${image.height} × ${image.width} images`
    : `${features} feature${features === 1 ? "" : "s"}`;
  return `${samples}, ${set.classes} classes`;
}
