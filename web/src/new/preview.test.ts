import { describe, expect, it } from "vitest";
import { nameOf, previewOf } from "./preview";

const csv = (text: string, name = "beans.csv") => previewOf(new File([text], name));

describe("a look at a CSV file", () => {
  it("counts samples, features and classes, the last column being the class", async () => {
    expect(await csv("1,2,0\n3,4,1\r\n5,6,1\n")).toEqual({
      format: "csv",
      shape: "3 samples, 2 features",
      classes: "2 classes: 0, 1",
      header: [],
      rows: [
        ["1", "2", "0"],
        ["3", "4", "1"],
        ["5", "6", "1"],
      ],
    });
  });

  it("finds the column that is called label", async () => {
    const preview = await csv('\uFEFF"a",Label,b\n0.5,2,7\n0.25,0,7\n');
    expect(preview.header).toEqual(["a", "Label", "b"]);
    expect(preview).toMatchObject({ shape: "2 samples, 2 features", classes: "2 classes: 0, 2" });
  });

  it("guesses of a long file, and says so", async () => {
    const preview = await csv("0.123,0.456,1\n".repeat(50_000));
    expect(preview.shape).toMatch(/^about (49|50)\d{3} samples, 2 features$/);
    expect(preview.classes).toBe("at least 1 class: 1");
    expect(preview.rows).toHaveLength(5);
  });

  it("refuses what it can't be", async () => {
    await expect(csv("", "x.csv")).rejects.toThrow("the file is empty");
    await expect(csv("\n \n")).rejects.toThrow("the file has no rows");
    await expect(csv("1", "x.txt")).rejects.toThrow(".csv or .npz");
    await expect(csv("PK", "x.npz")).rejects.toThrow("it is not an NPZ file");
  });
});

describe("a look at an NPZ file", () => {
  it("tells shapes and classes, packed or not", async () => {
    for (const packed of [false, true]) {
      const file = await npz(
        [
          ["x", "<f4", [3, 1, 2, 2], new Uint8Array(48)],
          ["y", "<i8", [3], new Uint8Array(new BigInt64Array([2n, 0n, 2n]).buffer)],
        ],
        packed,
      );
      expect(await previewOf(new File([file], "Some Images.NPZ"))).toEqual({
        format: "npz",
        shape: "3 samples, 1 × 2 × 2 images; x [3, 1, 2, 2], y [3]",
        classes: "2 classes: 0, 2",
        header: [],
        rows: [],
      });
    }
  });

  it("says what is missing", async () => {
    const file = await npz([["labels", "|u1", [1], new Uint8Array(1)]], false);
    const look = previewOf(new File([file], "a.npz"));
    await expect(look).rejects.toThrow("it needs arrays x and y, and holds labels [1]");
  });
});

describe("the name of an upload", () => {
  it("is made of the file's", () => {
    expect(nameOf("Some Images (2).NPZ")).toBe("some-images-2");
    expect(nameOf("_x.csv")).toBe("x");
    expect(nameOf(`${"a".repeat(80)}.csv`)).toHaveLength(64);
  });
});

type Member = readonly [string, string, readonly number[], Uint8Array<ArrayBuffer>];

/** An archive as `numpy.savez` and `savez_compressed` write it, with no check sums. */
async function npz(arrays: readonly Member[], packed: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [array, dtype, shape, bytes] of arrays) {
    const name = new TextEncoder().encode(`${array}.npy`);
    const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }\n`;
    const head = new Uint8Array(10 + text.length);
    head.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, text.length, 0]);
    head.set(new TextEncoder().encode(text), 10);
    const whole = new Blob([head, bytes]);
    const stream = whole.stream().pipeThrough(new CompressionStream("deflate-raw"));
    const data = new Uint8Array(await new Response(packed ? stream : whole).arrayBuffer());
    const fields = new DataView(new ArrayBuffer(30));
    fields.setUint32(0, 0x04034b50, true);
    fields.setUint16(26, name.length, true);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(10, packed ? 8 : 0, true);
    entry.setUint32(20, data.length, true);
    entry.setUint16(28, name.length, true);
    entry.setUint32(42, at, true);
    directory.push(new Uint8Array(entry.buffer), name);
    parts.push(new Uint8Array(fields.buffer), name, data);
    at += 30 + name.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, arrays.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  const all = [...parts, ...directory, new Uint8Array(end.buffer)] as Uint8Array<ArrayBuffer>[];
  return new Uint8Array(await new Blob(all).arrayBuffer());
}
