import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { ProtocolSchemas } from "@openclaw/gateway-protocol/schema";
import * as z from "zod";
import { IGNORED } from "../../../../protocol/openclaw/closed.ts";
import { OPENCLAW_RELEASE } from "../../../../protocol/openclaw/wire.ts";
import { WITHOUT_MEANING } from "../../../../protocol/openclaw/without-meaning.ts";
import { isObject } from "../../../../src/core/kernel/json.ts";
import { methods } from "../../../../src/faces/openclaw/methods/methods.ts";
import { readOuter } from "../../../support/recordings/outer-corpus.ts";

type Fate = "honoured" | "refused" | "ignored";

/** The schema inside an optional one, or that of a list's members. */
function inner(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return inner(schema.unwrap());
  return schema instanceof z.ZodArray ? inner(schema.element) : schema;
}

/** What happens to each parameter, by its path; `*` where any is ignored. */
function fatesOf(schema: z.core.$ZodType, at = ""): [path: string, fate: Fate][] {
  const object = inner(schema);
  if (!(object instanceof z.ZodObject)) return [];
  const { catchall } = object._zod.def;
  const rest: [string, Fate][] = catchall instanceof z.ZodUnknown ? [[`${at}*`, "ignored"]] : [];
  const named = Object.entries(object.shape).flatMap(([name, field]: [string, z.ZodType]): [string, Fate][] => {
    if (field === IGNORED) return [[at + name, "ignored"]];
    if (field.meta()?.refused === true) return [[at + name, "refused"]];
    return [[at + name, "honoured"], ...fatesOf(field, `${at}${name}.`)];
  });
  return [...rest, ...named];
}

/** The properties of a published schema, by their path. */
function published(schema: unknown, at = ""): string[] {
  if (!isObject(schema)) return [];
  if (isObject(schema.items)) return published(schema.items, at);
  if (!isObject(schema.properties)) return [];
  return Object.entries(schema.properties).flatMap(([name, field]) => [
    at + name,
    ...published(field, `${at}${name}.`),
  ]);
}

/** `sessions.patchMany` to `SessionsPatchManyParams`. */
const schemaName = (method: string): string =>
  `${method.replace(/(?:^|\.)([a-z])/g, (_, letter: string) => letter.toUpperCase())}Params`;

const served = [...methods.values()].map(({ name, params }) => ({ name, fates: new Map(fatesOf(params)) }));

/** Published parameters that a method neither honours, refuses nor ignores. */
function unknownTo({ name, fates }: (typeof served)[number], schemas: Readonly<Record<string, unknown>>): string[] {
  const isKnown = (path: string) => {
    const above = path.split(".").map((_, depth, names) => names.slice(0, depth).join("."));
    return (
      fates.has(path) ||
      above.some(
        (one) =>
          fates.has(one === "" ? "*" : `${one}.*`) || fates.get(one) === "ignored" || fates.get(one) === "refused",
      )
    );
  };
  return published(schemas[schemaName(name)])
    .filter((path) => !isKnown(path))
    .map((path) => `${name}: ${path}`);
}

const reasons = WITHOUT_MEANING.flatMap(([, names]) => names.split(" "));

describe("every parameter that OpenClaw publishes for a method that is served", () => {
  test("is honoured, refused or ignored for a reason, in the published package", () => {
    const covered = served.filter(({ name }) => schemaName(name) in ProtocolSchemas);
    expect(covered.length).toBeGreaterThan(40);
    expect(served.flatMap((method) => unknownTo(method, ProtocolSchemas))).toEqual([]);
  });

  const pinned = readOuter<Record<string, object>>(`facts/openclaw/schemas-${OPENCLAW_RELEASE}.json`);
  (pinned ? test : test.skip)(`is so in release ${OPENCLAW_RELEASE}, whose schemas are in the outer corpus`, () => {
    const schemas = Object.fromEntries(
      Object.entries(pinned ?? {}).map(([name, schema]) => [name.replace(/Schema$/, ""), schema]),
    );
    expect(served.flatMap((method) => unknownTo(method, schemas))).toEqual([]);
  });

  test("that is new is noticed", () => {
    const next = { ChatSendParams: { properties: { message: {}, tomorrow: {} } } };
    expect(served.flatMap((method) => unknownTo(method, next))).toEqual(["chat.send: tomorrow"]);
  });
});

describe("the list of parameters without a meaning", () => {
  test("has each that is ignored, once, and no other", () => {
    const ignored = served.flatMap(({ fates }) =>
      [...fates].flatMap(([path, fate]) => (fate === "ignored" ? [path.split(".").at(-1) ?? ""] : [])),
    );
    const names = new Set(ignored.filter((name) => name !== "*"));
    expect(reasons.toSorted()).toEqual([...names].toSorted());
  });

  test("is in docs/openclaw.md, with the reasons", () => {
    const page = readFileSync(new URL("../../../../docs/openclaw.md", import.meta.url), "utf8").replace(/\s+/g, " ");
    for (const [reason, names] of WITHOUT_MEANING) {
      expect(page).toContain(
        `- ${reason}: ${names
          .split(" ")
          .map((name) => `\`${name}\``)
          .join(", ")}`,
      );
    }
  });
});
