import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import { png } from "../../../support/browser/png.ts";
import type { OpenClawClient, Payload } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const send = (client: OpenClawClient, runId: string, fields: object = {}): Promise<Payload> =>
  client.request("chat.send", {
    sessionKey: "main",
    message: "hello",
    idempotencyKey: runId,
    deliver: false,
    ...fields,
  });

describe("a message", () => {
  test("is acknowledged before any event of its run", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await send(client, "r1")).toEqual({ runId: "r1", status: "started" });
    const kinds = client.frames.slice(2).map((frame) => (frame.type === "res" ? frame.type : frame.event));
    expect(kinds[0]).toBe("res");
    expect(kinds).toContain("chat");
  });

  test("reaches the upstream in the form of its dialect", async () => {
    await using rig = await startRig({ settings: { systemPrompt: "Be brief." } });
    using client = await rig.client();
    await send(client, "r1", { thinking: "high" });
    expect(rig.call.request).toMatchObject({ route: "openai", path: "/chat/completions", mayRetry: true });
    expect(rig.call.body).toMatchObject({
      model: "gpt-upstream",
      stream: true,
      reasoning_effort: "high",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hello" },
      ],
    });
  });

  test("is answered piece by piece, each in the call that parsed it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    for (const piece of ["Good ", "morning", "."]) {
      const before = client.chat("r1").length;
      rig.call.text(piece);
      expect(client.chat("r1").slice(before)).toMatchObject([{ state: "delta", deltaText: piece }]);
    }
    rig.call.finish();
    expect(client.textOf("r1")).toBe("Good morning.");
    expect(client.chat("r1").at(-1)).toMatchObject({
      state: "final",
      sessionKey: "agent:main:main",
      agentId: "main",
      stopReason: "stop",
      message: { role: "assistant", content: [{ type: "text", text: "Good morning." }] },
      usage: { input: 10, output: 5, totalTokens: 15, cost: { total: 0.00002 } },
    });
  });

  test("carries the whole text only in its first delta and at its end", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    for (let piece = 0; piece < 50; piece++) rig.call.text("word ");
    rig.call.finish();
    const withMessage = client.chat("r1").filter((payload) => payload.message !== undefined);
    expect(withMessage.map((payload) => payload.state)).toEqual(["delta", "final"]);
    expect(client.chat("r1")).toHaveLength(51);
  });

  test("carries the whole text in every delta to the terminal UI", async () => {
    await using rig = await startRig();
    using client = await rig.client({ clientId: "openclaw-tui" });
    await send(client, "r1");
    rig.call.text("a").text("b").text("c").finish();
    const deltas = client.chat("r1").filter(({ state }) => state === "delta");
    expect(deltas.map(({ message }) => message?.content[0]?.text)).toEqual(["a", "ab", "abc"]);
    expect(client.textOf("r1")).toBe("abc");
  });

  test("ends exactly once", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    rig.call.text("a").finish();
    await client.request("chat.abort", { sessionKey: "main", runId: "r1" });
    expect(client.chat("r1").filter(({ state }) => state !== "delta")).toHaveLength(1);
  });

  test("numbers its events in ascending order", async () => {
    await using rig = await startRig();
    using client = await rig.client({ caps: ["tool-events"] });
    await send(client, "r1");
    rig.call.delta({ reasoning_content: "hm" }).text("a").text("b");
    rig.call.delta({ tool_calls: [{ index: 0, id: "t", function: { name: "f", arguments: "{" } }] });
    rig.call.text("c").finish();
    const numbers = client.events
      .filter(({ payload }) => payload.runId === "r1")
      .map(({ payload }) => Number(payload.seq));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  test("may be an image alone, which the history names", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const picture = png(2, [0, 0, 0]);
    const content = picture.toString("base64");
    const attachment = { type: "image", mimeType: "image/png", fileName: "dot.png", content };
    await send(client, "r1", { message: "", attachments: [attachment] });
    expect(JSON.stringify(rig.call.body)).toContain(`data:image/png;base64,${content}`);
    const history = await client.request("chat.history", { sessionKey: "main" });
    expect(history.messages).toMatchObject([
      {
        role: "user",
        content: "",
        __openclaw: {
          media: [
            {
              url: expect.stringMatching(/^media:\/\/inbound\/.+\.png$/),
              contentType: "image/png",
              kind: "image",
              fileName: "dot.png",
              sizeBytes: picture.length,
            },
          ],
          mediaImageLayout: { slots: [{ kind: "offloaded", factIndex: 0 }] },
        },
      },
    ]);
  });
});

describe("a message is refused", () => {
  const refused = async (fields: object): Promise<Payload> => {
    await using rig = await startRig();
    using client = await rig.client();
    const error = await client.refusal("chat.send", {
      sessionKey: "main",
      message: "hello",
      idempotencyKey: "r1",
      ...fields,
    });
    expect(rig.calls).toHaveLength(0);
    return error;
  };

  test("if it is empty", async () => {
    expect(await refused({ message: " " })).toMatchObject({
      code: "INVALID_REQUEST",
      message: "message or attachment required",
    });
  });

  test("for a file that no model reads: the reason names it, also in an event to its sender alone", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    using other = await rig.client();
    const attachments = [{ mimeType: "application/zip", fileName: "all.zip", content: "UEsDBAD/" }];
    const reason = expect.stringMatching(/^all\.zip cannot be sent to a model: only PNG/);
    const params = { sessionKey: "main", message: "hello", idempotencyKey: "r1", attachments };
    expect(await client.refusal("chat.send", params)).toMatchObject({
      code: "INVALID_REQUEST",
      message: reason,
      details: { code: "unsupported" },
    });
    const chats = [client, other].map(({ events }) => events.filter(({ event }) => event === "chat"));
    const failed = { payload: { runId: "r1", state: "error", errorMessage: reason } };
    expect(chats).toMatchObject([[failed], []]);
    expect(rig.calls).toHaveLength(0);
    expect(await client.request("chat.history", { sessionKey: "main" })).toMatchObject({ messages: [] });
  });

  test("for a file that is not base64", async () => {
    const attachments = [{ mimeType: "image/png", content: "<svg>" }];
    expect(await refused({ attachments })).toMatchObject({
      message: "the attached file: attachment content must be base64",
    });
  });

  test("for an unknown agent", async () => {
    expect(await refused({ sessionKey: "agent:other:main" })).toMatchObject({ message: "unknown agent id" });
  });

  test("for a missing property, in the real gateway's words", async () => {
    expect(await refused({ message: undefined })).toMatchObject({
      message: "invalid chat.send params: must have required property 'message'",
    });
  });

  test("for an unknown property", async () => {
    expect(await refused({ bogus: 1 })).toMatchObject({
      message: "invalid chat.send params: at root: unexpected property 'bogus'",
    });
  });
});

describe("thinking and tool calls", () => {
  const script = [
    { reasoning_content: "Let me " },
    { reasoning_content: "see." },
    { tool_calls: [{ index: 0, id: "call_1", function: { name: "look_up", arguments: '{"q":' } }] },
    { tool_calls: [{ index: 0, function: { arguments: '"rain"}' } }] },
    { content: "Done." },
  ];

  test("reach a client that declared tool-events", async () => {
    await using rig = await startRig();
    using client = await rig.client({ caps: ["tool-events"] });
    await send(client, "r1");
    for (const delta of script) rig.call.delta(delta);
    rig.call.finish();
    expect(client.payloads("agent").map(({ stream, data }) => [stream, data])).toEqual([
      ["thinking", { delta: "Let me ", text: "Let me " }],
      ["thinking", { delta: "see." }],
      ["tool", { phase: "start", name: "look_up", toolCallId: "call_1" }],
      ["tool", { phase: "input_delta", name: "look_up", toolCallId: "call_1", input_delta: '{"q":' }],
      ["tool", { phase: "input_delta", name: "look_up", toolCallId: "call_1", input_delta: '"rain"}' }],
    ]);
    expect(client.textOf("r1")).toBe("Done.");
  });

  test("do not reach one that did not", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    for (const delta of script) rig.call.delta(delta);
    rig.call.finish();
    expect(client.payloads("agent")).toEqual([]);
    expect(client.textOf("r1")).toBe("Done.");
  });

  test("are part of the stored answer", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    for (const delta of script) rig.call.delta(delta);
    rig.call.finish();
    const { messages } = await client.request("chat.history", { sessionKey: "main" });
    expect(messages).toMatchObject([
      { role: "user" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Let me see." },
          { type: "toolCall", id: "call_1", name: "look_up", arguments: { q: "rain" } },
          { type: "text", text: "Done." },
        ],
      },
    ]);
  });

  test("thinking is sent upstream again with its signature", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("sessions.patch", { key: "main", model: "anthropic/claude" });
    await send(client, "r1");
    const first = rig.call;
    const block = (index: number, delta: object) =>
      first.event("content_block_delta", JSON.stringify({ type: "content_block_delta", index, delta }));
    first.event("message_start", JSON.stringify({ type: "message_start", message: { usage: { input_tokens: 3 } } }));
    block(0, { type: "thinking_delta", thinking: "Hm." });
    block(0, { type: "signature_delta", signature: "c2ln" });
    block(1, { type: "text_delta", text: "Hello!" });
    first.event("message_stop", '{"type":"message_stop"}');
    await client.ended("r1");
    await send(client, "r2", { message: "and now?" });
    expect(JSON.stringify(rig.call.body)).toContain('{"type":"thinking","thinking":"Hm.","signature":"c2ln"}');
  });
});

describe("a failed run", () => {
  test("carries the provider's message and the partial answer, and ends once", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    rig.call.text("Half of ");
    rig.call.fail(
      new GatewayError("upstream_rate_limited", "too many requests", {
        details: { status: 429, type: "rate_limit_error" },
      }),
    );
    const words = "The provider accepts no more requests at the moment (route openai): too many requests.";
    const events = client.chat("r1");
    expect(events.at(-1)).toMatchObject({
      state: "error",
      errorMessage: words,
      errorKind: "rate_limit",
      errorDetail: {
        provider: "openai",
        model: "gpt",
        httpStatus: 429,
        providerErrorType: "rate_limit_error",
        providerRuntimeFailureKind: "upstream_rate_limited",
        providerErrorMessagePreview: "too many requests",
      },
      message: { content: [{ type: "text", text: "Half of " }] },
    });
    expect(events.filter(({ state }) => state === "error")).toHaveLength(1);
    const { messages, sessionInfo } = await client.request("chat.history", { sessionKey: "main" });
    expect(messages).toMatchObject([
      { role: "user" },
      { content: [{ text: "Half of " }, { text: `⚠️ ${words}` }], stopReason: "error", errorMessage: words },
    ]);
    expect(sessionInfo).toMatchObject({ status: "failed", lastRunError: words, hasActiveRun: false });
  });

  test("does not stop the next message, which is sent with the failed question", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1", { message: "first" });
    rig.call.fail(new GatewayError("upstream_reset"));
    await send(client, "r2", { message: "second" });
    const { messages } = rig.call.body as { messages: { role: string }[] };
    expect(messages.map(({ role }) => role)).toEqual(["user"]);
    expect(JSON.stringify(messages)).toContain("first");
  });

  test("that reached its time limit is a timeout, and its upstream is closed", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1", { timeoutMs: 5 });
    const end = await client.ended("r1");
    expect(end).toMatchObject({ state: "error", errorKind: "timeout" });
    expect(rig.call.aborted).toBe(true);
  });

  test("that never reached the upstream is reported like any other", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    await send(client, "r2");
    rig.relay.stop(new GatewayError("shutting_down"));
    expect(await client.ended("r2")).toMatchObject({ state: "error", errorKind: "unknown" });
    expect(rig.calls).toHaveLength(1);
  });
});
