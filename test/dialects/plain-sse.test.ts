import { describe, expect, test } from "@jest/globals";
import { NOTHING } from "../../src/core/dialect/dialect.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import type { UpstreamSink } from "../../src/core/ports/upstream.ts";
import { Relay } from "../../src/core/relay/relay.ts";
import type { Terminal } from "../../src/core/stream/terminal.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { plainSse } from "../../src/dialects/plain-sse.ts";
import { interpret } from "../support/relay/interpret.ts";
import { observerOf } from "../support/relay/observer.ts";

describe("a plain SSE request", () => {
  test("goes to the base URL itself, with a bearer key when there is one", () => {
    expect(plainSse.address(undefined)).toEqual({ path: "", headers: {} });
    expect(plainSse.address("secret")).toEqual({ path: "", headers: { authorization: "Bearer secret" } });
  });

  test("is the caller's body unchanged, apart from a configured model", () => {
    const body = { contents: [], stream: false };
    expect(plainSse.body({ body, model: undefined })).toBe(body);
    expect(plainSse.body({ body, model: "m" })).toEqual({ ...body, model: "m" });
  });

  test("cannot be a conversation", () => {
    expect(() => plainSse.conversation({ messages: [] })).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});

test("a plain SSE event is never decoded, not even another dialect's end or error", () => {
  const events = [
    { event: "error", data: "x" },
    { event: undefined, data: "[DONE]" },
    { event: "message_stop", data: '{"type":"message_stop"}' },
  ];
  for (const delta of interpret(plainSse, events)) expect(delta).toBe(NOTHING);
});

/** The terminal of a stream whose upstream does `script`. */
function relayed(
  dialect: typeof plainSse,
  script: (upstream: UpstreamSink) => void,
  isSent = true,
): Terminal | undefined {
  const sinks: UpstreamSink[] = [];
  const call = { isSent, pause() {}, resume() {}, abort() {}, awaitEnd() {}, detach() {} };
  const relay = new Relay({
    upstream: {
      call: (_, sink) => {
        sinks.push(sink);
        return call;
      },
    },
    observer: observerOf(),
    clock: { now: () => 0, wall: () => 0 },
    newId: () => "1",
    log: { maxBytes: 1_000_000, maxEntries: 1_000 },
  });
  const stream = relay.open({
    target: { route: { name: "r", dialect, key: undefined, headers: {} }, model: undefined },
    body: {},
    caller: { name: "c" },
    mayRetry: false,
    face: "stream",
    connection: undefined,
    receivedAt: 0,
  });
  const [sink] = sinks;
  if (sink) script(sink);
  return stream.terminal;
}

describe("a plain SSE stream", () => {
  test("is completed by a clean end of its body, with unknown usage", () => {
    const terminal = relayed(plainSse, (upstream) => {
      upstream.firstByte();
      upstream.event(undefined, '{"usage":{"prompt_tokens":5}}', '{"usage":{"prompt_tokens":5}}');
      upstream.end();
    });
    expect(terminal).toMatchObject({ status: "completed", lastSeq: 1, usage: { source: "unknown" } });
  });

  test("is completed even when its body was empty", () => {
    expect(relayed(plainSse, (upstream) => upstream.end())).toMatchObject({
      status: "completed",
      lastSeq: 0,
      usage: { source: "unknown" },
    });
  });

  test("fails when the connection breaks, before or after its first event", () => {
    const reset = new GatewayError("upstream_reset");
    const failed = { status: "failed", error: reset, usage: { source: "unknown" } };
    const early = relayed(plainSse, (upstream) => upstream.fail(reset));
    const late = relayed(plainSse, (upstream) => {
      upstream.event(undefined, "{}", "{}");
      upstream.fail(reset);
    });
    expect(early).toMatchObject(failed);
    expect(late).toMatchObject(failed);
  });

  test("costs nothing when the upstream was never reached", () => {
    const terminal = relayed(plainSse, (upstream) => upstream.fail(new GatewayError("upstream_unreachable")), false);
    expect(terminal?.usage).toEqual({ source: "exact", inputTokens: 0, outputTokens: 0 });
  });

  test("differs in that from the dialects with a terminal event", () => {
    expect(relayed(openaiChat, (upstream) => upstream.end())).toMatchObject({
      status: "failed",
      error: { code: "upstream_truncated" },
    });
  });
});
