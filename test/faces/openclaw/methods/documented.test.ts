import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { methods } from "../../../../src/faces/openclaw/methods/methods.ts";
import { emptyMethods } from "../../../../src/faces/openclaw/methods/methods-empty.ts";

const page = readFileSync(new URL("../../../../docs/openclaw.md", import.meta.url), "utf8");
const [, tables = ""] = page.split("## Methods");
const [working = "", rest = ""] = tables.split("Some answers are empty on purpose");
const [empty = ""] = rest.split("Everything else is refused");

/** Names in the first column of a table's rows. */
const namesIn = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split(" | ")[0] ?? "").replace(/\([^)]*\)/g, "").matchAll(/`([^`]+)`/g)])
    .map(([, name = ""]) => name)
    .sort();

test("docs/openclaw.md lists every method, and which of them are empty on purpose", () => {
  const emptyNames = emptyMethods.map(({ name }) => name).sort();
  // It is answered beside those that work, and is empty all the same.
  const emptyHere = [...emptyNames, "usage.status"].sort();
  expect(namesIn(empty)).toEqual(emptyHere);
  expect(namesIn(working)).toEqual([...methods.keys()].filter((name) => !emptyHere.includes(name)).sort());
});
