/** What the client says of the protocol is what protocol/ says, and its build is what it promises. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { CODES } from "../../protocol/codes.ts";
import type { ClientFrame, ServerFrame } from "../../protocol/stream.ts";
import { buildClient } from "../../scripts/build-client.ts";
import { finalError, pauseAfter } from "../../src/client/close-codes.ts";
import type { Received, Sent } from "../../src/client/wire.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const KIB = 1024;
const newDirectory = temporaryDirectories();

test("the client's plain types are the schemas' frames: this compiles", () => {
  const received = (frame: ServerFrame): Received => frame;
  const sent = (frame: Sent): ClientFrame => frame;
  const types: readonly Received["type"][] = ["hello", "opened"] satisfies readonly ServerFrame["type"][];
  const cancel = { type: "cancel", id: "a" } as const;
  expect([received({ type: "tick", ts: 1 }), sent(cancel)]).toEqual([{ type: "tick", ts: 1 }, cancel]);
  expect(types).toHaveLength(2);
});

describe("close codes", () => {
  const closings = Object.entries(CODES).filter(([, { closeCode }]) => closeCode !== undefined);

  test.each(closings)("%s is final, with its name, exactly if the table says that no retry can help", (code, info) => {
    expect(finalError(info.closeCode ?? 0, "")?.code).toBe(info.retryable ? undefined : code);
  });

  test("a code of a later version follows the range rule", () => {
    expect(finalError(4499, "")).toBeUndefined();
    expect(finalError(4599, "why")).toMatchObject({ code: "forbidden", message: expect.stringContaining("4599 why") });
    for (const standard of [1000, 1001, 1005, 1006]) expect(finalError(standard, "")).toBeUndefined();
  });

  test("a gateway that is busy or stopping is left alone for the time the table names", () => {
    expect(pauseAfter(1012)).toBe(CODES.shutting_down.retryAfterMs);
    expect(pauseAfter(1006)).toBe(0);
  });
});

describe("the build", () => {
  test("has at most 8 KiB gzipped, imports nothing, and the hook imports React alone", async () => {
    const directory = newDirectory();
    await buildClient(directory);
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    const bytes = gzipSync(read("index.js"), { level: 9 }).length;
    console.info(`sluice/client: ${bytes} bytes gzipped`);
    expect(bytes).toBeLessThanOrEqual(8 * KIB);
    const imports = (text: string) =>
      [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name);
    expect(imports(read("index.js"))).toEqual([]);
    expect(imports(read("react.js"))).toEqual(["react"]);
    expect(read("index.d.ts")).toContain("types/src/client/index.js");
    // No schema library in the declarations.
    expect(read("types/src/client/wire.d.ts")).not.toContain("zod");
  });
});
