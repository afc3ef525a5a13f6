import { describe, expect, test } from "@jest/globals";
import { OpenRate } from "../../../src/core/caller/open-rate.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { OpenClawClient, type ResponseError } from "../../support/openclaw/openclaw-client.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const body = { messages: [{ role: "user", content: "Hi" }] };

describe("a flood of opens", () => {
  test("is refused with rate_limited beyond the burst, counting all connections of the caller", async () => {
    await using upstream = await startScriptedUpstream();
    const limits = { opensPerSecond: 1, streams: { opensBurst: 3 } };
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits } });
    using first = await (await StreamClient.connect(gateway.url)).hello();
    using second = await (await StreamClient.connect(gateway.url)).hello();
    first.send({ type: "open", id: "a", model: "gpt", body });
    first.send({ type: "open", id: "b", model: "gpt", body });
    await upstream.request();
    await upstream.request();
    second.send({ type: "open", id: "c", model: "gpt", body, idempotencyKey: "k" });
    expect(await second.next()).toMatchObject({ type: "opened", id: "c" });
    second.send({ type: "open", id: "d", model: "gpt", body });
    expect(await second.next()).toMatchObject({
      type: "error",
      id: "d",
      error: { code: "rate_limited", retryable: true, retryAfterMs: expect.any(Number) },
    });
    // Sent again, an open is no new one: it attaches.
    first.send({ type: "open", id: "e", model: "gpt", body, idempotencyKey: "k" });
    expect(await first.take((frame) => "id" in frame && frame.id === "e")).toMatchObject({ type: "opened" });
    expect(gateway.log.lines).toContainEqual(expect.objectContaining({ event: "refused", code: "rate_limited" }));
  });
});

describe("opens on every face", () => {
  const OPENCLAW = ["chat.send", "sessions.send", "agent"] as const;

  /** Opens one stream on a face of this gateway; resolves with the code of its refusal, undefined when it is let in. */
  async function open(face: string, gateway: TestGateway): Promise<string | undefined> {
    if (face.startsWith("/")) {
      const model = { "/v1/messages": "claude", "/v1/responses": "responses" }[face] ?? "gpt";
      const response = await fetch(gateway.url + face, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, max_tokens: 1, messages: [], input: "Hi" }),
      });
      return response.status === 429 ? "rate_limited" : undefined;
    }
    if (face === "stream") {
      using client = await (await StreamClient.connect(gateway.url)).hello();
      client.send({ type: "open", id: "a", model: "gpt", body });
      const frame = await client.next();
      return frame.type === "error" ? frame.error.code : undefined;
    }
    const client = await OpenClawClient.dial(gateway.url.replace("http", "ws"));
    await client.connect();
    const key = `session-${Math.random()}`;
    const params = { message: "Hi", idempotencyKey: key, [face === "sessions.send" ? "key" : "sessionKey"]: key };
    const refusal = await client.request(face, params).then(
      () => undefined,
      (error: ResponseError) => (error.error.details as { code: string }).code,
    );
    const { sessions } = await client.request("sessions.list", {});
    // A message that is refused leaves nothing behind, not even its session.
    const isKept = (sessions as { key: string }[]).some((session) => session.key.endsWith(key));
    expect(isKept).toBe(refusal === undefined);
    client.hangUp();
    return refusal;
  }

  test.each(["stream", "/v1/messages", "/v1/chat/completions", "/v1/responses", ...OPENCLAW])(
    "count together: one more on %s is refused, wherever the others were made",
    async (face) => {
      await using upstream = await startScriptedUpstream();
      upstream.respondWith((exchange) => void exchange.json(400, { error: { message: "no" } }));
      const limits = { opensPerSecond: 1, streams: { opensBurst: 4 } };
      await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits } });
      expect(await open(face, gateway)).toBeUndefined();
      let opened = 1;
      for (const other of ["stream", "/v1/messages", "chat.send"]) {
        if ((await open(other, gateway)) === undefined) opened++;
      }
      let refused: string | undefined;
      // On a slow machine a second or two may have passed, each with one open more.
      for (let tries = 0; refused === undefined && tries < 5; tries++) {
        refused = await open(face, gateway);
        if (refused === undefined) opened++;
      }
      expect(refused).toBe("rate_limited");
      expect(upstream.requests).toBe(opened);
    },
  );
});

describe("the rate", () => {
  function setUp() {
    const time = { ms: 0 };
    const rate = new OpenRate({ opensPerSecond: 10, opensBurst: 2 }, { now: () => time.ms, wall: () => time.ms });
    const retryAfterMs = (caller: string): number => {
      try {
        rate.take(caller);
        return 0;
      } catch (error) {
        return (error as GatewayError).retryAfterMs ?? Number.NaN;
      }
    };
    return { time, retryAfterMs };
  }

  test("states when the next open is possible, and admits it then", () => {
    const { time, retryAfterMs } = setUp();
    expect([retryAfterMs("a"), retryAfterMs("a"), retryAfterMs("a")]).toEqual([0, 0, 100]);
    time.ms = 50;
    expect(retryAfterMs("a")).toBe(50);
    time.ms = 100;
    expect(retryAfterMs("a")).toBe(0);
  });

  test("is separate for each caller", () => {
    const { retryAfterMs } = setUp();
    for (let opens = 0; opens < 5; opens++) retryAfterMs("a");
    expect([retryAfterMs("b"), retryAfterMs("b"), retryAfterMs("b")]).toEqual([0, 0, 100]);
  });
});
