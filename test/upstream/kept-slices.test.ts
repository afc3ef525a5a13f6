import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const SCRIPT = fileURLToPath(new URL("../support/relay/kept-slices.ts", import.meta.url));

test("what outlives a read keeps no read alive: the unfinished event, the last and the first, heads, templates, names in logs", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", SCRIPT]);
  expect(JSON.parse(stdout).found).toEqual(["slice"]);
});
