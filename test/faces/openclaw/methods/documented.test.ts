import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { methods } from "../../../../src/faces/openclaw/methods/methods.ts";
import { emptyMethods } from "../../../../src/faces/openclaw/methods/methods-empty.ts";

const page = readFileSync(new URL("../../../../docs/openclaw.md", import.meta.url), "utf8");
const [, lists = ""] = page.split("## Methods");
const [working = "", rest = ""] = lists.split("Some answers are empty on purpose");
const [empty = ""] = rest.split("Everything else is refused");

/** The methods of a list as `name scope`, without the remarks in brackets. */
const methodsIn = (text: string): string[] =>
  text
    .split("\n- ")
    .slice(1)
    .flatMap((item) => {
      const [scope = "", names = ""] = item.replace(/\([^)]*\)/g, "").split(":");
      return [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => `${name} ${scope}`);
    })
    .sort();

const scopeNames = new Map<string, string>(Object.entries(SCOPES).map(([name, scope]) => [scope, name]));

test("docs/openclaw.md lists every method with its scope, and which of them are empty on purpose", () => {
  // The second one is implemented beside the methods that work, and is empty all the same.
  const emptyNames = new Set([...emptyMethods.map(({ name }) => name), "usage.status"]);
  const known = [...methods.values()].map(({ name, scope }) => ({ name, line: `${name} ${scopeNames.get(scope)}` }));
  const linesOf = (isEmpty: boolean) =>
    known.flatMap(({ name, line }) => (emptyNames.has(name) === isEmpty ? [line] : [])).sort();
  expect(methodsIn(empty)).toEqual(linesOf(true));
  expect(methodsIn(working)).toEqual(linesOf(false));
});
