import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { isHead, sseCases } from "../../support/recordings/sse-cases.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describe("the retry hint of a 429", () => {
  const wall = Date.UTC(2026, 10, 22, 12, 0, 0);

  test.each([
    [{ "retry-after": "30" }, 30_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "Sun, 22 Nov 2026 12:01:00 GMT" }, 60_000],
    [{ "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT" }, 0],
    [{ "retry-after": "287441" }, 287_441_000],
    [{ "retry-after": "9".repeat(400) }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after-ms": "1500", "retry-after": "2" }, 1500],
    [{}, undefined],
  ])("%j means %p ms", async (headers, retryAfterMs) => {
    await using upstream = await startScriptedUpstream();
    const clock = { now: () => performance.now(), wall: () => wall };
    await using client = openUpstream(upstream.url, {}, { clock });
    const { sink } = startCall(client, { mayRetry: false });
    (await upstream.request()).json(429, {}, headers as Record<string, string>);
    expect(await sink.done).toMatchObject({ code: "upstream_rate_limited", retryAfterMs });
  });
});

describe("a refusal's type and code", () => {
  test.each([
    [
      400,
      { type: "invalid_request_error", code: "context_length_exceeded" },
      "invalid_request_error",
      "context_length_exceeded",
    ],
    [400, { type: "invalid_request_error", code: null }, "invalid_request_error", undefined],
    [400, { code: "bad" }, "bad", "bad"],
    [400, { type: "same", code: "same" }, "same", "same"],
  ])("of %p, %j are kept in the details: type %p, code %p", async (status, error, type, code) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).json(status, { error });
    expect((await sink.done)?.details).toEqual({ status, type, ...(code !== undefined && { code }) });
  });

  test.each([{ type: "insufficient_quota" }, { type: "requests", code: "insufficient_quota" }])(
    "for an exhausted quota (%j) make it final, whatever wait it names",
    async (error) => {
      await using upstream = await startScriptedUpstream();
      await using client = openUpstream(upstream.url);
      const { sink } = startCall(client);
      (await upstream.request()).json(429, { error }, { "retry-after": "0" });
      expect(await sink.done).toMatchObject({
        code: "upstream_rate_limited",
        retryable: false,
        retryAfterMs: undefined,
      });
      expect(upstream.requests).toBe(1);
    },
  );
});

describe.each(sseCases)("the cases on the head of an answer of $from", ({ cases }) => {
  if (!cases) test.skip("are told apart", () => {});

  for (const { title, bytes, contentType, status, fails, events } of cases?.filter(isHead) ?? []) {
    test(title, async () => {
      await using upstream = await startScriptedUpstream();
      await using client = openUpstream(upstream.url);
      const { sink } = startCall(client, { mayRetry: false });
      const head = { "content-type": contentType, "content-length": String(bytes.length) };
      (await upstream.request()).head(status, head).write(bytes);
      const error = await sink.done;
      expect(error !== undefined).toBe(fails);
      expect(sink.data).toEqual(events.map(({ data }) => data));
    });
  }
});
