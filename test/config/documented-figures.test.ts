import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { load, model, route } from "./sources.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const docs = readdirSync(new URL("docs/", root)).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "protocol/README.md", ...docs.map((name) => `docs/${name}`)];

const config = load({ routes: { r: route }, models: { m: model } });

/** The default of a key such as `limits.graceMs` or `routes.<name>.maxConnections`. */
const defaultOf = (key: string): unknown =>
  key
    .replace("<name>", "r")
    .split(".")
    .reduce<unknown>((part, name) => (part as Readonly<Record<string, unknown>> | undefined)?.[name], config);

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  events: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  s: 1000,
  second: 1000,
  seconds: 1000,
  minute: 60_000,
  minutes: 60_000,
};

/** What a page writes as a figure: `10,000`, `4 MiB`, `2 minutes`. Undefined for other words. */
function figureOf(text: string): number | undefined {
  // 0 lets the gateway take this share itself.
  if (/^1\/\d of the heap limit$/.test(text)) return 0;
  const [, digits = "", unit = ""] = /^(one|[\d,]+) ?(\w*)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (digits === "" || factor === undefined) return undefined;
  return (digits === "one" ? 1 : Number(digits.replaceAll(",", ""))) * factor;
}

const limits = (read("README.md").split("## Limits")[1] ?? "").split("\n## ")[0] ?? "";
const rows = limits
  .split("\n")
  .filter((line) => /^\| .*`\S+` +\|$/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .flatMap(([, , figures = "", keys = ""]) => {
    const named = [...keys.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key);
    const written = figures.split(" or ");
    return named.map((key, at) => [key, written[at] ?? ""] as const);
  });

describe("the limits in README.md", () => {
  test("are a table", () => expect(rows.length).toBeGreaterThan(10));

  test.each(rows)("%s is %s", (key, written) => {
    expect(figureOf(written)).toBe(defaultOf(key));
  });
});

const inText = pages.flatMap((page) =>
  [...read(page).matchAll(/`(limits\.[\w.]+)` \(([^)]+)\)/g)].flatMap(([, key = "", written = ""]) =>
    figureOf(written) === undefined ? [] : [[page, key, written] as const],
  ),
);

test.each(inText)("%s gives %s as %s", (_, key, written) => {
  expect(figureOf(written)).toBe(defaultOf(key));
});
