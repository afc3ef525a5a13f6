import { describe, expect, test } from "@jest/globals";
import { asObject, isObject, type JsonObject, parseJson } from "../../src/core/kernel/json.ts";
import { startDemoUpstream } from "../../src/demo/demo-upstream.ts";
import { NOT_HERE, readOuter } from "../support/recordings/outer-corpus.ts";
import { ownRecordings } from "../support/recordings/own-recordings.ts";
import { askForEvents, type DialectName, valuesOf } from "./ask-demo.ts";

interface Corpus {
  readonly streams: readonly { readonly provider: string; readonly events: readonly string[] }[];
}

/** Paths of the fields of an event, by its type: "content_block_delta: delta.text". Lists count as their items. */
function shapesOf(values: readonly JsonObject[]): Set<string> {
  const shapes = new Set<string>();
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) for (const item of value) walk(item, `${path}[]`);
    else if (isObject(value)) for (const [name, item] of Object.entries(value)) walk(item, `${path}.${name}`);
    else shapes.add(path);
  };
  for (const value of values) walk(value, String(value.type ?? asObject(value)?.object ?? "error"));
  return shapes;
}

const PROVIDERS: Record<DialectName, readonly string[]> = {
  anthropic: ["anthropic"],
  chat: ["openai", "deepseek"],
  responses: ["openai", "azure", "open-responses"],
};
const OWN = { anthropic: "anthropic-messages", chat: "openai-chat", responses: "openai-responses" } as const;
/** Of the provider's API, though no recording of the outer corpus happens to show it. */
const UNRECORDED = [
  "error.type",
  "error.error.type",
  "error.error.message",
  "error.error.param",
  "error.error.code",
  "error.request_id",
];

const streams = readOuter<Corpus>("corpus/provider-streams.json")?.streams;
if (!streams) test.skip(NOT_HERE, () => {});

/** The events of a dialect in our own recordings, and in the outer corpus where it is here. */
const SOURCES: [from: string, events: (dialect: DialectName) => readonly string[], unrecorded: readonly string[]][] = [
  [
    "our own recordings",
    (dialect) =>
      ownRecordings
        .filter((recording) => recording.dialect === OWN[dialect])
        .flatMap(({ answers }) => answers.flat().map(({ data }) => data)),
    [],
  ],
];
if (streams) {
  const ofProviders = (dialect: DialectName) =>
    streams.filter(({ provider }) => PROVIDERS[dialect].includes(provider)).flatMap(({ events }) => events);
  SOURCES.push(["recorded streams", ofProviders, UNRECORDED]);
}

describe.each(SOURCES)("in %s", (_from, eventsOf, unrecorded) => {
  test.each(Object.keys(PROVIDERS) as DialectName[])("every field of %s occurs", async (dialect) => {
    const recorded = eventsOf(dialect)
      .map((event) => parseJson(event))
      .filter(isObject);
    const known = new Set([...shapesOf(recorded), ...unrecorded]);

    await using demo = await startDemoUpstream({ pace: "instant" });
    const values: JsonObject[] = [];
    for (const prompt of ["hello", "call a tool", "[[error]]"]) {
      values.push(...valuesOf(await askForEvents(demo.url, dialect, prompt, { model: "demo-thinking" })));
    }
    expect([...shapesOf(values)].filter((shape) => !known.has(shape))).toEqual([]);
    expect(values.length).toBeGreaterThan(300);
  });
});
