import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { Way } from "../../support/network/body-holder.ts";

const run = promisify(execFile);
const holder = fileURLToPath(new URL("../../support/network/body-holder.ts", import.meta.url));

/** Shares of the bodies that the heap held while they were needed, and after. */
async function shares(way: Way): Promise<{ readonly kept: number; readonly left: number }> {
  const { stdout } = await run(process.execPath, ["--expose-gc", holder, way]);
  const { bodies, kept, left } = JSON.parse(stdout);
  return { kept: kept / bodies, left: left / bodies };
}

describe("a request's body", () => {
  test.each([
    ["until its answer began", "answered"],
    ["until it is sent, where it may not be sent again", "sent"],
    ["until its call failed", "refused"],
  ] as const)("is kept no longer than %s", async (_until, way) => {
    const { kept, left } = await shares(way);
    expect(kept).toBeGreaterThan(0.9);
    expect(left).toBeLessThan(1 / 8);
  });
});
