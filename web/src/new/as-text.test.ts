import { describe, expect, it } from "vitest";
import { toCurl, toToml } from "./as-text";
import { specOf } from "./testing";

describe("a sweep as TOML", () => {
  it("has a table a part and a line a field", () => {
    const spec = specOf({ "/search/methods/alternating": "yes" });
    expect(toToml(spec)).toBe(`name = "digits"

[recipe]
dataset = { name = "digits", label_noise = 0.2 }
model = { kind = "mlp", hidden = [128, 128], batch_norm = false }
optimizer = { kind = "sgd", lr = 0.05, momentum = 0.9 }
batch_size = 50
epochs = 100

[search]
levels = { from = 0.01, to = 0.2, step = 0.01 }
weight_decay = [0]
seeds = [0]
objective = { metric = "val_loss", at = "last" }
methods = ["flood", { kind = "alternating", lr = [[0.1, 0.05]] }]

[scheduler]
kind = "halving"
`);
  });

  it("escapes what would end a string", () => {
    expect(toToml(specOf({ "/name": 'a "b" \\ c\u007f' }))).toContain(
      String.raw`name = "a \"b\" \\ c\u007f"`,
    );
  });
});

describe("a sweep as a command", () => {
  it("quotes for the shell", () => {
    const command = toCurl(specOf({ "/name": "it's" }), "http://127.0.0.1:7878/v1/sweeps");
    expect(command).toContain(`--data '{"name":"it'\\''s",`);
    expect(command).toContain(`-H 'content-type: application/json'`);
    expect(command.trimEnd().endsWith("'http://127.0.0.1:7878/v1/sweeps'")).toBe(true);
  });
});
