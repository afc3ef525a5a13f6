/** What is not JSON where JSON must be: relayed as it came, counted, and never passed over in silence. */
import { describe, expect, test } from "@jest/globals";
import type { DialectName } from "../../protocol/dialects.ts";
import { fromByteString } from "../../src/core/kernel/byte-string.ts";
import { openRelay } from "../support/relay/relayed-stream.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const deep = `${'{"a":'.repeat(70)}1${"}".repeat(70)}`;

/** An event's data, and what is wrong with it. */
const FAULTS: readonly [string, string, string][] = [
  ["JSON that breaks off", '{"choices":[{"index":0,"delta":{"content":"lost', "malformed"],
  ["two values", "{}{}", "malformed"],
  ["plain text", "Hello there", "malformed"],
  ["JSON that nests too deep", deep, "too_deep"],
  ["a list", '[{"choices":[]}]', "not_object"],
  ["a text", '"Hello there"', "not_object"],
  ["null", "null", "not_object"],
];

/** A text as each dialect sends one, in JSON with a fault that leaves its meaning clear. */
const MENDED: readonly [string, (dialect: DialectName) => string, string][] = [
  ["a control character", (dialect) => textEvent(dialect, '"a\u0001b\tc"'), "a\u0001b\tc"],
  ["a backslash that escapes nothing", (dialect) => textEvent(dialect, '"it\\\'s \\x"'), "it\\'s \\x"],
  ["NaN beside the text", (dialect) => textEvent(dialect, '"a","logprob":NaN'), "a"],
  ["an infinite number", (dialect) => textEvent(dialect, '"NaN, }","logprobs":[-Infinity,Infinity]'), "NaN, }"],
  ["Python's words", (dialect) => textEvent(dialect, '"None","index_":None,"x":True'), "None"],
  ["a comma too many", (dialect) => textEvent(dialect, '"a", '), "a"],
];

/** An event with the text that a literal and what follows it says. */
function textEvent(dialect: DialectName, literal: string): string {
  if (dialect === "openai-chat") return `{"choices":[{"index":0,"delta":{"content":${literal}}}]}`;
  if (dialect === "openai-responses") return `{"type":"response.output_text.delta","delta":${literal}}`;
  return `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${literal}}}`;
}

/** The beginning and the end of an answer that is whole but for what stands between. */
const WHOLE: Readonly<Record<string, readonly [readonly object[], readonly (object | string)[]]>> = {
  "openai-chat": [
    [{ choices: [{ index: 0, delta: { content: "Hel" } }] }],
    [
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } },
      "[DONE]",
    ],
  ],
  "anthropic-messages": [
    [{ type: "message_start", message: { usage: { input_tokens: 7 } } }],
    [
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } },
      { type: "message_stop" },
    ],
  ],
  "openai-responses": [
    [{ type: "response.created", response: { id: "r" } }],
    [{ type: "response.completed", response: { usage: { input_tokens: 7, output_tokens: 3 } } }],
  ],
};

async function play(dialect: DialectName, between: readonly string[]) {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, { dialect });
  const opened = relay.open();
  const texts: (string | undefined)[] = [];
  opened.stream.attach({ push: (_, delta) => texts.push(delta?.text) > 0, end() {}, failed() {} });
  const exchange = (await upstream.request()).sse();
  const [begin, end] = WHOLE[dialect] ?? [[], ["the end"]];
  for (const event of [...begin, ...between, ...end]) exchange.event(event);
  exchange.end();
  const terminal = await opened.terminal;
  const [record] = relay.records;
  return { terminal, anomalies: record?.anomalies, data: opened.data, entries: opened.entries, texts };
}

describe.each(["openai-chat", "anthropic-messages", "openai-responses"] as const)("an event of %s", (dialect) => {
  test.each(FAULTS)("that holds %s is relayed unchanged, and counted", async (_, data, kind) => {
    const played = await play(dialect, [data, data]);
    expect(played.terminal).toMatchObject({ status: "completed", unreadEvents: 2 });
    expect(played.anomalies).toEqual({ [kind]: 2 });
    const entries = played.entries.filter((entry) => entry.data === data);
    expect(entries.map((entry) => entry.raw)).toEqual([kind !== "not_object", kind !== "not_object"]);
    expect(played.data.filter((text) => text === data)).toHaveLength(2);
  });

  test.each(MENDED)("that has %s in its JSON is read nonetheless, and relayed as it came", async (_, of, text) => {
    const data = of(dialect);
    const played = await play(dialect, [data, data]);
    expect(played.terminal).toMatchObject({ status: "completed" });
    expect(played.terminal).not.toHaveProperty("unreadEvents");
    expect(played.anomalies).toEqual({ mended: 2 });
    expect(played.texts.filter((said) => said === text)).toHaveLength(2);
    expect(played.entries.filter((entry) => entry.raw && fromByteString(entry.data) === data)).toHaveLength(2);
  });

  test.each([["[DONE]"], [" "], ['{"type":"something new"}']])("that holds %p is not counted", async (data) => {
    const { terminal, anomalies } = await play(dialect, dialect === "openai-chat" && data === "[DONE]" ? [] : [data]);
    expect(terminal.status).toBe("completed");
    expect(terminal).not.toHaveProperty("unreadEvents");
    expect(anomalies).toEqual({});
  });
});

test("an unreadable event that ends its answer is counted too", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url);
  const { terminal } = relay.open();
  const exchange = (await upstream.request()).sse();
  exchange.event({ type: "message_start", message: {} }).event("{not", "message_stop").end();
  expect(await terminal).toMatchObject({ status: "completed", unreadEvents: 1, usage: { source: "estimated" } });
});

test("a plain stream may hold anything", async () => {
  const { anomalies } = await play(
    "plain-sse",
    FAULTS.map(([, data]) => data),
  );
  expect(anomalies).toEqual({});
});

test("other anomalies are counted beside it", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, { dialect: "openai-chat" });
  const { terminal } = relay.open();
  const exchange = (await upstream.request()).sse();
  exchange.event("{").chunk(Buffer.from([...Buffer.from('data: {"x":"'), 0xff, ...Buffer.from('"}\n\n')]));
  exchange.event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  exchange.reset();
  expect((await terminal).status).toBe("completed");
  expect(relay.records[0]?.anomalies).toEqual({ malformed: 1, lossy: 1, upstream_reset: 1 });
});
