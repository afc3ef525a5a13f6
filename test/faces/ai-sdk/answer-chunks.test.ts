import { describe, expect, test } from "@jest/globals";
import { uiMessageChunkSchema } from "ai";
import fc from "fast-check";
import type { Delta } from "../../../src/core/dialect/dialect.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { JsonValue } from "../../../src/core/kernel/json.ts";
import { dialects } from "../../../src/dialects/registry.ts";
import { AnswerChunks, type Chunk } from "../../../src/faces/ai-sdk/messages/answer-chunks.ts";
import { finishReasonOf } from "../../../src/faces/ai-sdk/messages/finish-reason.ts";
import { sources } from "../../support/recordings/corpus.ts";
import { interpret, together } from "../../support/relay/interpret.ts";

const ABOUT = { stream: "s1", model: "gpt", route: "chat" };
const FACTS = { messageId: "m1", ...ABOUT, tools: new Set(["known"]) };

function chunksOf(deltas: readonly Delta[], end: Parameters<AnswerChunks["end"]>[0] = {}): readonly Chunk[] {
  const answer = new AnswerChunks(FACTS);
  return [...answer.begin(), ...deltas.flatMap((delta) => answer.add(delta)), ...answer.end(end, {})];
}

/** Fails unless the SDK takes every chunk, and every part begins before it grows and ends exactly once. */
async function expectValid(chunks: readonly Chunk[]): Promise<void> {
  const schema = uiMessageChunkSchema();
  const open = new Set<unknown>();
  const calls = new Set<unknown>();
  for (const chunk of chunks) {
    expect(await schema.validate?.(chunk)).toMatchObject({ success: true });
    if (/^(?:text|reasoning)-start$/.test(chunk.type)) {
      expect(open.has(chunk.id)).toBe(false);
      open.add(chunk.id);
    } else if (/^(?:text|reasoning)-/.test(chunk.type)) expect(open.has(chunk.id)).toBe(true);
    if (/^(?:text|reasoning)-end$/.test(chunk.type)) open.delete(chunk.id);
    if (chunk.type === "tool-input-start") {
      expect(calls.has(chunk.toolCallId)).toBe(false);
      calls.add(chunk.toolCallId);
    }
    if (chunk.type.startsWith("tool-")) expect(calls.has(chunk.toolCallId)).toBe(true);
  }
  expect([...open]).toEqual([]);
}

describe("the chunks of an answer", () => {
  test("are text between its start and its end, with the reason and what is known of it", () => {
    expect(chunksOf([{ text: "Hi" }, { text: "!" }], { finish: "end_turn" })).toEqual([
      { type: "start", messageId: "m1", messageMetadata: ABOUT },
      { type: "start-step" },
      { type: "text-start", id: "text-0" },
      { type: "text-delta", id: "text-0", delta: "Hi" },
      { type: "text-delta", id: "text-0", delta: "!" },
      { type: "text-end", id: "text-0" },
      { type: "finish-step" },
      { type: "finish", finishReason: "stop", messageMetadata: ABOUT },
    ]);
  });

  test("of arguments that are no JSON object report the call as failed, with what the model wrote", () => {
    const call = { index: 0, id: "c1", name: "known", arguments: '{"a":' };
    expect(chunksOf([{ toolCalls: [call] }]).filter(({ type }) => type === "tool-input-error")).toMatchObject([
      { toolCallId: "c1", toolName: "known", input: '{"a":' },
    ]);
  });

  test("of calls that grow in turns keep them apart, and calls without ids have their place as one", () => {
    const grow = (index: number, json: string, name?: string): Delta => ({
      toolCalls: [{ index, arguments: json, ...(name && { name }) }],
    });
    const chunks = chunksOf([grow(0, "{", "known"), grow(1, '{"b"', "other"), grow(0, "}"), grow(1, ":1}")]);
    expect(chunks.filter(({ type }) => type === "tool-input-available")).toEqual([
      { type: "tool-input-available", toolCallId: "call-0", toolName: "known", input: {} },
      { type: "tool-input-available", toolCallId: "call-1", toolName: "other", dynamic: true, input: { b: 1 } },
    ]);
  });

  test("name each source once, wherever it is named again", () => {
    const page = { type: "url", url: "https://tides.example/", title: "Tides" } as const;
    const almanac = { type: "document", id: "0", title: "A", fileName: "a.pdf", mimeType: "application/pdf" } as const;
    const chunks = chunksOf([{ text: "Six", sources: [page] }, { sources: [page, almanac] }, { text: "." }]);
    expect(chunks.slice(3, -3)).toEqual([
      { type: "text-delta", id: "text-0", delta: "Six" },
      { type: "source-url", sourceId: "s1-0", url: "https://tides.example/", title: "Tides" },
      { type: "source-document", sourceId: "s1-1", mediaType: "application/pdf", title: "A", filename: "a.pdf" },
      { type: "text-delta", id: "text-0", delta: "." },
    ]);
  });

  test("name at most 1000 sources", () => {
    const sources = Array.from({ length: 1_100 }, (_, page) => ({ type: "url", url: `https://a/${page}` }) as const);
    expect(chunksOf([{ sources }]).filter(({ type }) => type === "source-url")).toHaveLength(1_000);
  });

  test("show a file where the model put it", () => {
    const chunks = chunksOf([{ text: "Look" }, { files: [{ mimeType: "image/png", base64: "AA==" }] }, { text: "!" }]);
    expect(chunks.slice(3, -3)).toEqual([
      { type: "text-delta", id: "text-0", delta: "Look" },
      { type: "text-end", id: "text-0" },
      { type: "file", mediaType: "image/png", url: "data:image/png;base64,AA==" },
      { type: "text-start", id: "text-1" },
      { type: "text-delta", id: "text-1", delta: "!" },
    ]);
  });

  test("of a tool that ran at the provider bring its result, and leave the client nothing to run", () => {
    const call = { index: 0, id: "c1", name: "known", arguments: '{"q":"tide"}', isProviders: true } as const;
    const other = { toolResults: [{ id: "c9", output: 1 }] };
    const chunks = chunksOf([{ toolCalls: [call] }, other, { toolResults: [{ id: "c1", output: ["six"] }] }]);
    const naming = { toolCallId: "c1", toolName: "known", dynamic: true, providerExecuted: true };
    expect(chunks.slice(2)).toEqual([
      { type: "tool-input-start", ...naming },
      { type: "tool-input-delta", toolCallId: "c1", inputTextDelta: '{"q":"tide"}' },
      { type: "tool-input-available", ...naming, input: { q: "tide" } },
      { type: "tool-output-available", toolCallId: "c1", output: ["six"], providerExecuted: true },
      { type: "finish-step" },
      { type: "finish", finishReason: "stop", messageMetadata: ABOUT },
    ]);
  });

  test("of a stopped answer end with abort, of a failed one with the error", () => {
    const stopped = chunksOf([{ text: "Hi" }], { error: new GatewayError("cancelled"), isStopped: true }).slice(-3);
    const failed = chunksOf([{ text: "Hi" }], { error: new GatewayError("upstream_reset") }).slice(-3);
    const closed = [
      { type: "text-end", id: "text-0" },
      { type: "message-metadata", messageMetadata: ABOUT },
    ];
    expect(stopped).toEqual([...closed, { type: "abort" }]);
    expect(failed).toEqual([...closed, { type: "error", errorText: "the upstream cut the connection" }]);
  });

  const delta: fc.Arbitrary<Delta> = fc.record(
    {
      text: fc.string(),
      thinking: fc.string(),
      thinkingSignature: fc.string(),
      toolCalls: fc.array(
        fc.record(
          {
            index: fc.nat(2),
            id: fc.constantFrom("a", "b", ""),
            name: fc.constantFrom("known", "other"),
            arguments: fc.string(),
            isProviders: fc.constant(true as const),
          },
          { requiredKeys: ["index"] },
        ),
        { maxLength: 2 },
      ),
      toolResults: fc.array(
        fc.record({ id: fc.constantFrom("a", "b", "c"), output: fc.json().map((text): JsonValue => JSON.parse(text)) }),
      ),
      sources: fc.array(
        fc.oneof(
          fc.record({ type: fc.constant("url" as const), url: fc.webUrl() }),
          fc.record({
            type: fc.constant("document" as const),
            id: fc.string(),
            title: fc.string(),
            mimeType: fc.string(),
          }),
        ),
      ),
      files: fc.array(fc.record({ mimeType: fc.string(), base64: fc.base64String() }), { maxLength: 1 }),
      finish: fc.string(),
    },
    { requiredKeys: [] },
  );
  const end = fc.oneof(
    fc.record({ finish: fc.oneof(fc.string(), fc.constantFrom("stop", "tool_use", "__proto__", "constructor")) }),
    fc.constantFrom({}, { isStopped: true }, { error: new GatewayError("upstream_timeout") }),
  );

  test("are valid whatever a provider sends, and the same when they are made again", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(delta, { maxLength: 12 }), end, async (deltas, terminal) => {
        const chunks = chunksOf(deltas, terminal);
        await expectValid(chunks);
        expect(chunksOf(deltas, terminal)).toEqual(chunks);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  ["a word of no provider", "quux", false, "other"],
  ["none, with calls", undefined, true, "tool-calls"],
  ["the name of an object's own", "__proto__", false, "other"],
])("%s is a reason that the SDK knows", (_, finish, hasCalls, reason) => {
  expect(finishReasonOf(finish, hasCalls)).toBe(reason);
});

describe.each(sources)("$from", ({ recordings }) => {
  const answers = recordings.flatMap(({ dialect, title, answers: all, fails }) =>
    dialect === "plain-sse" || fails
      ? []
      : all.map((events, at) => ({ title: `${title} #${at + 1}`, dialect, events })),
  );

  test.each(answers)(
    "$title becomes valid chunks with all of its text, thinking, calls, sources and files",
    async ({ dialect, events }) => {
      const known = dialects.get(dialect);
      const deltas = known ? interpret(known, events) : [];
      const answer = together(deltas);
      const chunks = chunksOf(deltas, answer.finish === undefined ? {} : { finish: answer.finish });
      await expectValid(chunks);
      const joined = (type: string) => chunks.map((chunk) => (chunk.type === type ? String(chunk.delta) : "")).join("");
      expect({ text: joined("text-delta"), thinking: joined("reasoning-delta") }).toEqual({
        text: answer.text,
        thinking: answer.thinking,
      });
      const count = (type: RegExp) => chunks.filter((chunk) => type.test(chunk.type)).length;
      expect([count(/^source-/), count(/^file$/)]).toEqual([answer.sources.length, answer.files.length]);
    },
  );
});
