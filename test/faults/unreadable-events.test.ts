/** What is not JSON where JSON must be: relayed as it came, counted, and never passed over in silence. */
import { describe, expect, test } from "@jest/globals";
import type { DialectName } from "../../protocol/dialects.ts";
import { openRelay } from "../support/relayed-stream.ts";
import { startScriptedUpstream } from "../support/scripted-upstream.ts";

const deep = `${'{"a":'.repeat(70)}1${"}".repeat(70)}`;

/** An event's data, and what is wrong with it. */
const FAULTS: readonly [string, string, string][] = [
  ["JSON that breaks off", '{"choices":[{"index":0,"delta":{"content":"lost', "malformed"],
  ["a control character in a text", '{"choices":[{"index":0,"delta":{"content":"a\u0001b"}}]}', "malformed"],
  ["no number", '{"choices":NaN}', "malformed"],
  ["two values", "{}{}", "malformed"],
  ["plain text", "Hello there", "malformed"],
  ["JSON that nests too deep", deep, "too_deep"],
  ["a list", '[{"choices":[]}]', "not_object"],
  ["a text", '"Hello there"', "not_object"],
  ["null", "null", "not_object"],
];

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
  const exchange = (await upstream.request()).sse();
  const [begin, end] = WHOLE[dialect] ?? [[], ["the end"]];
  for (const event of [...begin, ...between, ...end]) exchange.event(event);
  exchange.end();
  const terminal = await opened.terminal;
  const [record] = relay.records;
  return { terminal, anomalies: record?.anomalies, data: opened.data, entries: opened.entries };
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
