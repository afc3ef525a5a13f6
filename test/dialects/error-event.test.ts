import { describe, expect, test } from "@jest/globals";
import type { DialectName } from "../../protocol/dialects.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { errorEvents } from "../../src/dialects/error-event.ts";

import { dialects } from "../../src/dialects/registry.ts";
import { interpret, named, unnamed } from "../support/relay/interpret.ts";

const truncated = new GatewayError("upstream_truncated", "it stopped");

const DIALECTS: readonly [DialectName, object][] = [
  ["anthropic-messages", { type: "ping" }],
  ["openai-chat", { choices: [] }],
  ["google-gemini", { candidates: [] }],
  ["openai-responses", { type: "response.created", sequence_number: 0, response: { id: "resp_1" } }],
];

describe("the final event of a stream that failed midway", () => {
  test.each(DIALECTS)("of %s is decoded as an error by that dialect", (dialect, event) => {
    for (const before of [undefined, unnamed(event)]) {
      const [last] = errorEvents(dialect, truncated, before, before);
      const decoder = dialects.get(dialect);
      const [delta] = last && decoder ? interpret(decoder, [last]) : [];
      expect(delta?.error?.message).toBe("it stopped");
    }
  });

  test("of Gemini stands there twice: as an event, and as no event", () => {
    const [event, unframed] = errorEvents("google-gemini", truncated, undefined, undefined);
    expect(unframed).toEqual({ event: undefined, data: event?.data, isUnframed: true });
    expect(JSON.parse(event?.data ?? "").error).toMatchObject({ code: 502, message: "it stopped", status: "INTERNAL" });
  });

  test("of Gemini is the provider's once more as no event, and none behind an answer that has finished", () => {
    const failure = unnamed({ error: { code: 503, message: "busy", status: "UNAVAILABLE" } });
    expect(errorEvents("google-gemini", truncated, undefined, failure)).toEqual([{ ...failure, isUnframed: true }]);
    const finished = unnamed({ candidates: [{ content: { parts: [] }, finishReason: "MAX_TOKENS" }] });
    expect(errorEvents("google-gemini", truncated, finished, finished)).toEqual([]);
  });

  test("of Anthropic has its event name and error format", () => {
    const [last] = errorEvents("anthropic-messages", truncated, undefined, undefined);
    expect(last?.event).toBe("error");
    expect(JSON.parse(last?.data ?? "")).toMatchObject({ type: "error", error: { type: "api_error" } });
  });

  test("of a response continues the sequence, and contains the announced response", () => {
    const response = { id: "resp_1", object: "response", status: "in_progress", output: [] };
    const first = named({ type: "response.created", sequence_number: 0, response } as { type: string });
    const delta = named({ type: "response.output_text.delta", sequence_number: 7, delta: "x" } as { type: string });
    const [last] = errorEvents("openai-responses", truncated, first, delta);
    expect(last?.event).toBe("response.failed");
    expect(JSON.parse(last?.data ?? "")).toEqual({
      type: "response.failed",
      sequence_number: 8,
      response: { ...response, status: "failed", error: { code: "upstream_truncated", message: "it stopped" } },
    });
  });

  test("of a response that was never announced is an error event, flat and nested, and response.failed behind it", () => {
    const [last, failed] = errorEvents("openai-responses", truncated, undefined, undefined);
    expect(failed?.event).toBe("response.failed");
    expect(JSON.parse(failed?.data ?? "")).toMatchObject({
      type: "response.failed",
      sequence_number: 1,
      response: { status: "failed", error: { code: "upstream_truncated", message: "it stopped" } },
    });
    expect(last?.event).toBe("error");
    expect(JSON.parse(last?.data ?? "")).toMatchObject({
      type: "error",
      sequence_number: 0,
      message: "it stopped",
      code: "upstream_truncated",
      error: { message: "it stopped", type: "server_error" },
    });
  });

  test.each([
    ["anthropic-messages", named({ type: "error", error: { type: "overloaded_error" } } as { type: string })],
    ["anthropic-messages", named({ type: "message_stop" })],
    ["openai-chat", unnamed({ error: { message: "broke" } })],
    ["openai-chat", unnamed("[DONE]")],
    ["openai-responses", named({ type: "response.failed", response: {} } as { type: string })],
    ["openai-responses", named({ type: "response.incomplete", response: {} } as { type: string })],
  ] as const)("of %s is omitted after %j, which ends the stream already", (dialect, end) => {
    expect(errorEvents(dialect, truncated, end, end)).toEqual([]);
  });
});
