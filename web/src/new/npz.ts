/** NumPy's archives: the names, shapes and types of their arrays, without reading them whole. */

/** An array within an archive. */
export interface ArrayHead {
  /** Without `.npy`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** NumPy's: `<f4`, `|u1`. */
  readonly dtype: string;
  /** Where the file's bytes begin, how many there are, and whether they are deflated. */
  readonly start: number;
  readonly size: number;
  readonly deflated: boolean;
  /** How long the head is before the array's own bytes. */
  readonly head: number;
}

/** The archive's directory ends within the last 64 KiB and a little (APPNOTE.TXT, 4.3.16). */
const TAIL_BYTES = 65_557;
/** More than any head of an array with few axes. */
const HEAD_BYTES = 4_096;
/** Labels beyond this aren't counted. */
const MAX_LABEL_BYTES = 16 << 20;

/** The arrays of an archive. */
export async function arraysOf(file: Blob): Promise<ArrayHead[]> {
  const arrays: ArrayHead[] = [];
  for (const entry of await entriesOf(file)) {
    if (!entry.name.endsWith(".npy")) continue;
    const bytes = await readEntry(file, entry, HEAD_BYTES);
    arrays.push({ ...entry, ...headOf(bytes), name: entry.name.slice(0, -4) });
  }
  return arrays;
}

/** The different labels of an array of whole numbers, as text; null where they can't be told. */
export async function classesIn(file: Blob, array: ArrayHead): Promise<Set<string> | null> {
  const { dtype, shape, head } = array;
  const count = shape.reduce((all, each) => all * each, 1);
  const [, order = "", kind = "", digits = ""] = /^([<|>=])([iufb])(\d)$/.exec(dtype) ?? [];
  const width = Number(digits);
  if (!kind || count * width > MAX_LABEL_BYTES) return null;
  const bytes = await readEntry(file, array, head + count * width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = order !== ">";
  const seen = new Set<string>();
  for (let at = head; at + width <= bytes.length; at += width) {
    seen.add(String(numberAt(view, at, kind, width, little)));
  }
  return seen;
}

function numberAt(view: DataView, at: number, kind: string, width: number, little: boolean) {
  if (kind === "f") return width === 4 ? view.getFloat32(at, little) : view.getFloat64(at, little);
  const signed = kind === "i";
  switch (width) {
    case 1:
      return signed ? view.getInt8(at) : view.getUint8(at);
    case 2:
      return signed ? view.getInt16(at, little) : view.getUint16(at, little);
    case 4:
      return signed ? view.getInt32(at, little) : view.getUint32(at, little);
    default:
      return signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little);
  }
}

type Entry = Pick<ArrayHead, "name" | "start" | "size" | "deflated">;

async function entriesOf(file: Blob): Promise<Entry[]> {
  const tailAt = Math.max(0, file.size - TAIL_BYTES);
  const tail = await viewOf(file, tailAt, file.size);
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw new Error("it is not an NPZ file");
  const count = tail.getUint16(end + 10, true);
  const at = tail.getUint32(end + 16, true);
  const directory = await viewOf(file, at, at + tail.getUint32(end + 12, true));
  const entries: Entry[] = [];
  let place = 0;
  for (let i = 0; i < count && place + 46 <= directory.byteLength; i += 1) {
    const [name, extra, comment] = [28, 30, 32].map((field) =>
      directory.getUint16(place + field, true),
    ) as [number, number, number];
    const local = directory.getUint32(place + 42, true);
    const lengths = await viewOf(file, local, local + 30);
    entries.push({
      name: textOf(directory, place + 46, name),
      start: local + 30 + lengths.getUint16(26, true) + lengths.getUint16(28, true),
      size: directory.getUint32(place + 20, true),
      deflated: directory.getUint16(place + 10, true) === 8,
    });
    place += 46 + name + extra + comment;
  }
  return entries;
}

async function viewOf(file: Blob, from: number, to: number): Promise<DataView> {
  return new DataView(await file.slice(from, to).arrayBuffer());
}

function textOf(view: DataView, at: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** The first bytes of an entry, inflated. */
async function readEntry(file: Blob, entry: Entry, most: number): Promise<Uint8Array> {
  const packed = file.slice(entry.start, entry.start + entry.size);
  if (!entry.deflated) return new Uint8Array(await packed.slice(0, most).arrayBuffer());
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const bytes = new Uint8Array(most);
  let filled = 0;
  while (filled < most) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(0, most - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  await reader.cancel();
  return bytes.subarray(0, filled);
}

/** Reads an array's head (NumPy enhancement proposal 1). */
function headOf(bytes: Uint8Array): Pick<ArrayHead, "shape" | "dtype" | "head"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || textOf(view, 1, 5) !== "NUMPY")
    throw new Error("it holds no NumPy array");
  const isFirst = bytes[6] === 1;
  const begin = isFirst ? 10 : 12;
  const length = isFirst ? view.getUint16(8, true) : view.getUint32(8, true);
  const text = textOf(view, begin, Math.min(length, bytes.length - begin));
  const [, dtype = ""] = /'descr': *'([^']*)'/.exec(text) ?? [];
  const [, shape = ""] = /'shape': *\(([^)]*)\)/.exec(text) ?? [];
  return {
    dtype,
    shape: shape
      .split(",")
      .filter((each) => each.trim())
      .map(Number),
    head: begin + length,
  };
}
