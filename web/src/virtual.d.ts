declare module "virtual:ranges" {
  /** The ranges of a sweep's fields; see `build/ranges.ts`. */
  const ranges: Readonly<Record<string, import("../build/ranges").Range>>;
  export default ranges;
}
