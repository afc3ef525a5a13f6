import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { TranscriptMessage } from "../../../../src/core/ports/transcripts.ts";
import { chatFailure } from "../../../../src/faces/openclaw/clients/errors.ts";
import { toConversation } from "../../../../src/faces/openclaw/runs/conversation.ts";
import { RunContent } from "../../../../src/faces/openclaw/runs/run-content.ts";
import { RunRecord, RunRecords } from "../../../../src/faces/openclaw/runs/run-records.ts";
import { stopReasonOf, wireMessage, wireUsage } from "../../../../src/faces/openclaw/sessions/transcript-view.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { model, route } from "../../../support/relay/routes.ts";

const text = (words: string) => ({ type: "text", text: words }) as const;
const thinking = (words: string, signature?: string) =>
  ({ type: "thinking", text: words, ...(signature !== undefined && { signature }) }) as const;

let seq = 0;
const message = (
  role: "user" | "assistant",
  content: TranscriptMessage["content"],
  fields: Partial<TranscriptMessage> = {},
): TranscriptMessage => ({ id: `m${++seq}`, seq, role, content, timestamp: seq, ...fields });

const failure = { code: "upstream_reset", message: "cut" } as const;

describe("the conversation sent upstream", () => {
  const turn = (messages: readonly TranscriptMessage[], maxMessages = 100) =>
    toConversation(messages, { system: undefined, thinking: undefined, maxMessages }).messages;

  test("begins with a user's message", () => {
    const messages = [message("user", [text("a")]), message("assistant", [text("b")]), message("user", [text("c")])];
    expect(turn(messages, 2)).toEqual([{ role: "user", content: [text("c")] }]);
  });

  test("has thinking unchanged, even if it is empty", () => {
    const answer = [thinking("", "sig"), text("b")];
    expect(turn([message("user", [text("a")]), message("assistant", answer)])).toEqual([
      { role: "user", content: [text("a")] },
      { role: "assistant", content: answer },
    ]);
  });

  test("has only the text of a failed answer", () => {
    const cut = message("assistant", [thinking("unsigned"), text("half")], { failure });
    expect(turn([message("user", [text("a")]), cut])[1]).toEqual({ role: "assistant", content: [text("half")] });
  });

  test("leaves out empty answers, and joins the questions around them", () => {
    const messages = [
      message("user", [text("first")]),
      message("assistant", [], { failure }),
      message("user", [text("second")]),
      message("assistant", [thinking("hm", "sig"), { type: "toolCall", id: "t", name: "f", arguments: "{}" }]),
      message("assistant", [text(" \n")]),
      message("user", [text("third")]),
    ];
    expect(turn(messages)).toEqual([{ role: "user", content: [text("first"), text("second"), text("third")] }]);
  });
});

describe("an answer", () => {
  test("keeps its parts in order", () => {
    const answer = new RunContent();
    answer.add({ thinking: "one " });
    answer.add({ thinking: "two" });
    answer.add({ thinkingSignature: "sig" });
    answer.add({ text: "Hello" });
    answer.add({ thinking: "" });
    answer.add({ text: " again" });
    answer.add({ text: "" });
    expect(answer.parts).toEqual([thinking("one two", "sig"), text("Hello"), thinking(""), text(" again")]);
    expect(answer.text).toBe("Hello again");
  });

  test("has two blocks of thinking if each was signed", () => {
    const answer = new RunContent();
    answer.add({ thinking: "a", thinkingSignature: "1" });
    answer.add({ thinking: "b", thinkingSignature: "2" });
    expect(answer.parts).toEqual([thinking("a", "1"), thinking("b", "2")]);
  });

  test("names a tool call without a name or an id", () => {
    const answer = new RunContent();
    answer.addToCall({ index: 3 }, (index) => `run:${index}`);
    answer.addToCall({ index: 3, arguments: "not json" }, () => "other");
    expect(answer.parts).toEqual([{ type: "toolCall", id: "run:3", name: "tool", arguments: "not json" }]);
    expect(wireMessage(message("assistant", answer.parts)).content).toEqual([
      { type: "toolCall", id: "run:3", name: "tool", arguments: {} },
    ]);
  });
});

describe("what clients see", () => {
  test("of usage is the input without its cached part, and the price", () => {
    const usage = {
      source: "exact",
      inputTokens: 1000,
      outputTokens: 100,
      cacheReadTokens: 600,
      cacheWriteTokens: 300,
    } as const;
    expect(wireUsage(usage, { input: 10, output: 20, cacheRead: 1 })).toEqual({
      input: 100,
      output: 100,
      cacheRead: 600,
      cacheWrite: 300,
      totalTokens: 1100,
      cost: { input: 0.001, output: 0.002, cacheRead: 0.0006, cacheWrite: 0.003, total: 0.0066 },
    });
  });

  test("of estimated usage says so, and of unknown usage nothing", () => {
    expect(wireUsage({ source: "estimated", outputTokens: 3 })).toMatchObject({ output: 3, estimated: true });
    expect(wireUsage({ source: "unknown" })).toBeUndefined();
    expect(wireUsage(undefined)).toBeUndefined();
  });

  test("of an end is OpenClaw's stop reason", () => {
    const words = ["end_turn", "length", "max_tokens", "tool_calls", undefined, "refusal"].map(stopReasonOf);
    expect(words).toEqual(["stop", "length", "length", "toolUse", "stop", "refusal"]);
  });

  test("of thinking includes its signature", () => {
    expect(wireMessage(message("assistant", [thinking("hm", "sig")])).content).toEqual([
      { type: "thinking", thinking: "hm", thinkingSignature: "sig" },
    ]);
  });

  test("of a failure includes its kind", () => {
    const of = (error: GatewayError) => chatFailure(error, model("gpt", route("openai", "openai-chat"))).errorKind;
    expect(of(new GatewayError("upstream_http_error", "prompt is too long: 9 tokens > 8 maximum"))).toBe(
      "context_length",
    );
    expect(of(new GatewayError("upstream_timeout"))).toBe("timeout");
    expect(of(new GatewayError("upstream_rate_limited"))).toBe("rate_limit");
    expect(of(new GatewayError("upstream_reset"))).toBe("unknown");
  });

  test("of a provider's long words fits the schema", () => {
    const error = new GatewayError("upstream_http_error", "x".repeat(1000), { details: { status: 42, type: "" } });
    const { errorDetail } = chatFailure(error, model("gpt", route("openai", "openai-chat")));
    expect(errorDetail.providerErrorMessagePreview).toHaveLength(300);
    expect(errorDetail).not.toHaveProperty("httpStatus");
    expect(errorDetail).not.toHaveProperty("providerErrorType");
  });
});

test("records of ended runs are forgotten first, those of running ones never", () => {
  const records = new RunRecords({ now: () => 0 });
  const fingerprint = { request: "f", payer: undefined };
  const running = new RunRecord("running", "s", fingerprint);
  records.add(running);
  for (let index = 0; index < 2000; index++) {
    const record = new RunRecord(`r${index}`, "s", fingerprint);
    records.add(record);
    record.conclude({ status: "ok", stopReason: "stop", endedAt: 1 });
  }
  expect(records.get("running")).toBe(running);
  expect(records.get("r0")).toBeUndefined();
  expect(records.get("r1999")).toBeDefined();
});

test("a gateway without a model that can chat fails each run with that reason", async () => {
  await using rig = await startRig({ models: [model("raw", route("plain", "plain-sse"))] });
  using client = await rig.client();
  expect(await client.request("models.list")).toEqual({ models: [] });
  await client.request("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: "r1" });
  expect(await client.ended("r1")).toMatchObject({
    state: "error",
    errorDetail: { providerRuntimeFailureKind: "unsupported" },
  });
});
