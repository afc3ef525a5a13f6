import { describe, expect, test } from "@jest/globals";
import { uiMessageChunkSchema } from "ai";
import fc from "fast-check";
import type { Delta } from "../../../src/core/dialect/dialect.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { dialects } from "../../../src/dialects/registry.ts";
import { AnswerChunks, type Chunk } from "../../../src/faces/ai-sdk/messages/answer-chunks.ts";
import { finishReasonOf } from "../../../src/faces/ai-sdk/messages/finish-reason.ts";
import { sources } from "../../support/corpus.ts";
import { interpret, together } from "../../support/interpret.ts";

const FACTS = { messageId: "m1", metadata: { model: "gpt" }, tools: new Set(["known"]) };

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
      { type: "start", messageId: "m1", messageMetadata: { model: "gpt" } },
      { type: "start-step" },
      { type: "text-start", id: "text-0" },
      { type: "text-delta", id: "text-0", delta: "Hi" },
      { type: "text-delta", id: "text-0", delta: "!" },
      { type: "text-end", id: "text-0" },
      { type: "finish-step" },
      { type: "finish", finishReason: "stop", messageMetadata: { model: "gpt" } },
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

  test("of a stopped answer end with abort, of a failed one with the error", () => {
    const stopped = chunksOf([{ text: "Hi" }], { error: new GatewayError("cancelled"), isStopped: true }).slice(-2);
    const failed = chunksOf([{ text: "Hi" }], { error: new GatewayError("upstream_reset") }).slice(-2);
    expect(stopped).toEqual([{ type: "text-end", id: "text-0" }, { type: "abort" }]);
    expect(failed).toEqual([
      { type: "text-end", id: "text-0" },
      { type: "error", errorText: "the upstream cut the connection" },
    ]);
  });

  const delta: fc.Arbitrary<Delta> = fc.record(
    {
      text: fc.string(),
      thinking: fc.string(),
      thinkingSignature: fc.string(),
      toolCalls: fc.array(
        fc.record(
          { index: fc.nat(2), id: fc.string(), name: fc.constantFrom("known", "other"), arguments: fc.string() },
          { requiredKeys: ["index"] },
        ),
        { maxLength: 2 },
      ),
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
    "$title becomes valid chunks with all of its text, thinking and calls",
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
    },
  );
});
