import { describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
const DONE = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};
const body = { messages: [{ role: "user", content: "Hi" }] };

/** A gateway, its scripted upstream and one client that has had its hello. */
async function setUp(config: Record<string, unknown> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config }));
  const client = stack.use(await (await StreamClient.connect(gateway.url)).hello());
  return { upstream, gateway, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("an open", () => {
  test("is answered before the upstream responds, and relays each event as soon as it arrives", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", model: "gpt", body });
    expect(await up.client.next()).toMatchObject({ type: "opened", id: "a", route: "chat", model: "gpt", epoch: 1 });
    const exchange = (await up.upstream.request()).sse();
    exchange.event(chunk("Hel"));
    expect(await up.client.next()).toMatchObject({ type: "event", seq: 1, data: chunk("Hel") });
    exchange.event(chunk("lo"));
    expect(await up.client.next()).toMatchObject({ type: "event", seq: 2 });
    exchange.event(DONE).event("[DONE]").end();
    const { end } = await up.client.rest("a");
    expect(end).toMatchObject({
      status: "completed",
      finish: "stop",
      lastSeq: 4,
      usage: { source: "exact", inputTokens: 3, outputTokens: 2 },
    });
    expect(end.timing.firstByteMs).toBeLessThanOrEqual(end.timing.firstContentMs ?? -1);
    expect(end.timing.firstContentMs).toBeLessThanOrEqual(end.timing.firstSentMs ?? -1);
    expect(end.timing.firstSentMs).toBeLessThanOrEqual(end.timing.totalMs);
  });

  test("by model puts the upstream's model id into the body and the route's key into the headers", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", model: "gpt", body: { ...body, model: "what the client wrote" } });
    const request = await up.upstream.request();
    expect(request.path).toBe("/v1/chat/completions");
    expect(request.headers.authorization).toBe("Bearer sk-test-key-of-the-route");
    expect(JSON.parse(request.body)).toMatchObject({ model: "gpt-test", stream: true, messages: body.messages });
  });

  test("by route leaves the model to the body", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", route: "chat", body: { ...body, model: "mine" } });
    expect(JSON.parse((await up.upstream.request()).body)).toMatchObject({ model: "mine" });
  });

  test("of an open id is refused, and its stream continues", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", model: "gpt", body });
    const exchange = (await up.upstream.request()).sse();
    up.client.send({ type: "open", id: "a", model: "gpt", body });
    expect(await up.client.take(({ type }) => type === "error")).toMatchObject({
      id: "a",
      error: { code: "duplicate_id" },
    });
    exchange.event(chunk("x")).event(DONE).event("[DONE]").end();
    expect((await up.client.rest("a")).end.status).toBe("completed");
    expect(up.upstream.requests).toBe(1);
  });

  test("of an id whose stream ended is a new stream", async () => {
    await using up = await setUp();
    up.upstream.respondWith((exchange) => void exchange.sse().event(DONE).event("[DONE]").end());
    for (let round = 0; round < 2; round++)
      expect((await up.client.run("a", { model: "gpt", body })).end.status).toBe("completed");
    expect(up.upstream.requests).toBe(2);
  });

  test("beyond the streams of a connection is refused until one ends", async () => {
    await using up = await setUp({ limits: { streamsPerConnection: 2 } });
    for (const id of ["a", "b", "c"]) up.client.send({ type: "open", id, model: "gpt", body });
    expect(await up.client.take(({ type }) => type === "error")).toMatchObject({
      id: "c",
      error: { code: "too_many_streams", details: { limit: 2 } },
    });
    (await up.upstream.request()).sse().event(DONE).event("[DONE]").end();
    await up.client.take(({ type }) => type === "end");
    up.client.send({ type: "open", id: "c", model: "gpt", body });
    expect(await up.client.take((frame) => frame.type === "opened" && frame.id === "c")).toBeDefined();
  });
});

describe("an idempotency key", () => {
  test("sent again attaches to the first stream, replays it, and never calls the upstream twice", async () => {
    await using up = await setUp();
    const open = { model: "gpt", body, idempotencyKey: "k" };
    up.client.send({ type: "open", id: "a", ...open });
    const exchange = (await up.upstream.request()).sse();
    exchange.event(chunk("Hel"));
    await up.client.take(({ type }) => type === "event");
    using second = await (await StreamClient.connect(up.gateway.url)).hello();
    second.send({ type: "open", id: "b", ...open });
    expect(await second.next()).toMatchObject({ type: "opened", id: "b", attached: true });
    expect(await second.next()).toMatchObject({ type: "event", id: "b", seq: 1, data: chunk("Hel") });
    expect(await up.client.take(({ type }) => type === "detached")).toMatchObject({ id: "a", code: "superseded" });
    exchange.event(DONE).event("[DONE]").end();
    expect((await second.rest("b")).end).toMatchObject({ status: "completed", lastSeq: 3 });
    expect((await second.run("c", open)).events).toHaveLength(3);
    expect(up.upstream.requests).toBe(1);
  });

  test("with another request is refused", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", model: "gpt", body, idempotencyKey: "k" });
    up.client.send({ type: "open", id: "b", model: "gpt", body: { messages: [] }, idempotencyKey: "k" });
    expect(await up.client.take(({ type }) => type === "error")).toMatchObject({
      id: "b",
      error: { code: "bad_request" },
    });
  });
});

describe("the upstream's socket is closed at once", () => {
  test("when the client cancels", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", model: "gpt", body });
    const exchange = (await up.upstream.request()).sse().event(chunk("Hel"));
    await up.client.take(({ type }) => type === "event");
    up.client.send({ type: "cancel", id: "a" });
    const { end } = await up.client.rest("a");
    expect(end).toMatchObject({
      status: "cancelled",
      lastSeq: 1,
      error: { code: "cancelled" },
      usage: { source: "estimated" },
    });
    await exchange.closed;
  });

  test("when the client cancels before the upstream answered", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "a", model: "gpt", body });
    const exchange = await up.upstream.request();
    up.client.send({ type: "cancel", id: "a" });
    expect((await up.client.rest("a")).end).toMatchObject({ status: "cancelled", lastSeq: 0 });
    await exchange.closed;
  });
});

describe("a slow reader", () => {
  test("delays only its own stream: its upstream is paused, other streams continue, and nothing is lost", async () => {
    await using up = await setUp({ limits: { logBytes: 65_536 } });
    up.client.send({ type: "open", id: "slow", model: "gpt", body, flow: "none" });
    const exchange = (await up.upstream.request()).sse();
    await up.client.take(({ type }) => type === "opened");
    up.client.ws.pause();
    // More than the kernel's buffers, the socket gate and the log hold together: the upstream's own writes must stop.
    const text = "x".repeat(16_384);
    const events = 2_000;
    let written = 0;
    const writing = (async () => {
      for (; written < events; written++) await exchange.writePieces(chunkOf(chunk(text)), []);
      exchange.event(DONE).event("[DONE]").end();
    })();
    using other = await (await StreamClient.connect(up.gateway.url)).hello();
    for (let round = 0; round < 20; round++) {
      other.send({ type: "open", id: `o${round}`, model: "gpt", body });
      (await up.upstream.request()).sse().event(DONE).event("[DONE]").end();
      expect((await other.rest(`o${round}`)).end.status).toBe("completed");
    }
    expect(written).toBeLessThan(events);
    up.client.ws.resume();
    const { events: received, end } = await up.client.rest("slow");
    await writing;
    expect(end).toMatchObject({ status: "completed", lastSeq: events + 2 });
    expect(received.map(({ seq }) => seq)).toEqual([...Array(events + 2).keys()].map((at) => at + 1));
  });
});

/** An event as one HTTP chunk, ready for a write that waits until the kernel took it. */
function chunkOf(data: unknown): string {
  const event = `data: ${JSON.stringify(data)}\n\n`;
  return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`;
}

describe("invalid frames", () => {
  test("a binary message closes the connection with 1003", async () => {
    await using up = await setUp();
    up.client.ws.send(Buffer.from("{}"), { binary: true });
    expect((await up.client.closed).code).toBe(1003);
  });

  test("a frame above the limit closes it with 1009", async () => {
    await using up = await setUp({ limits: { requests: { streamFrameBytes: 2_048 } } });
    up.client.send({ type: "open", id: "a", model: "gpt", body: { text: "x".repeat(4_096) } });
    expect((await up.client.closed).code).toBe(1009);
  });

  test("the 21st bad frame within a minute closes it with 4508", async () => {
    await using up = await setUp();
    for (let count = 0; count < 21; count++) up.client.send("{");
    expect((await up.client.closed).code).toBe(4508);
    expect(up.client.texts.filter((text) => text.includes("bad_frame"))).toHaveLength(21);
  });

  test("a frame with a key __proto__ is refused; in a body it is left to the provider", async () => {
    await using up = await setUp();
    const field = '"__proto__":{"isAdmin":true}';
    up.client.send(`{"type":"open","id":"a","model":"gpt","body":{},${field}}`);
    expect(await up.client.next()).toMatchObject({ type: "error", error: { code: "bad_frame" } });
    up.client.send(`{"type":"open","id":"a","model":"gpt","body":{${field}}}`);
    expect((await up.upstream.request()).body).toContain(field);
    expect(Object.hasOwn(Object.prototype, "isAdmin")).toBe(false);
  });

  test("an object of more than 10,000 keys, or nesting deeper than 64, is refused", async () => {
    await using up = await setUp();
    const keys = Object.fromEntries([...Array(10_001).keys()].map((n) => [`k${n}`, 0]));
    up.client.send({ type: "open", id: "a", model: "gpt", body: keys });
    expect(await up.client.next()).toMatchObject({ error: { code: "bad_frame" } });
    up.client.send(`{"type":"open","id":"a","model":"gpt","body":{"a":${"[".repeat(64)}${"]".repeat(64)}}}`);
    expect(await up.client.next()).toMatchObject({ error: { code: "bad_frame" } });
  });

  test("the error names the field, never the value", async () => {
    await using up = await setUp();
    up.client.send({ type: "open", id: "not fit for an id, and secret", model: "gpt", body });
    const frame = await up.client.next();
    expect(frame).toMatchObject({ error: { code: "bad_frame", message: expect.stringContaining("id:") } });
    expect(JSON.stringify((frame as { error: unknown }).error)).not.toContain("secret");
  });
});

describe("a connection", () => {
  const status = (url: string, protocols: string[], headers: Record<string, string>) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const ws = new WebSocket(url, protocols, { headers });
      ws.on("unexpected-response", (_request, response) => {
        let text = "";
        response.on("data", (bytes) => (text += bytes));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      ws.on("open", () => {
        ws.close();
        resolve({ status: 101, body: ws.protocol });
      });
      ws.on("error", reject);
    });

  test("needs the subprotocol, which is the only one ever chosen", async () => {
    await using up = await setUp();
    const url = `${up.gateway.url.replace("http", "ws")}/v1/stream`;
    expect((await status(url, ["other"], {})).status).toBe(400);
    expect(await status(url, ["base64url.bearer.sluice.eA", "sluice.v1"], {})).toEqual({
      status: 101,
      body: "sluice.v1",
    });
  });

  test("needs the token when there is one: in the header, or as a subprotocol", async () => {
    await using up = await setUpWithToken();
    const url = `${up.gateway.url.replace("http", "ws")}/v1/stream`;
    const asProtocol = `base64url.bearer.sluice.${Buffer.from("a-long-shared-token").toString("base64url")}`;
    expect((await status(url, ["sluice.v1"], {})).status).toBe(401);
    expect((await status(url, ["sluice.v1"], { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await status(`${url}?token=a-long-shared-token`, ["sluice.v1"], {})).status).toBe(401);
    expect((await status(url, ["sluice.v1"], { authorization: "Bearer a-long-shared-token" })).status).toBe(101);
    expect(await status(url, ["sluice.v1", asProtocol], {})).toEqual({ status: 101, body: "sluice.v1" });
  });

  test("needs our Host, and our Origin or none", async () => {
    await using up = await setUp();
    const url = `${up.gateway.url.replace("http", "ws")}/v1/stream`;
    const own = up.gateway.url;
    expect((await status(url, ["sluice.v1"], { host: "evil.com" })).status).toBe(403);
    expect((await status(url, ["sluice.v1"], { origin: "https://evil.com" })).status).toBe(403);
    expect((await status(url, ["sluice.v1"], { origin: "null" })).status).toBe(403);
    expect((await status(url, ["sluice.v1"], { origin: own })).status).toBe(101);
    const refusal = await status(url, ["sluice.v1"], { origin: "https://evil.com" });
    expect(JSON.parse(refusal.body).error.code).toBe("origin_not_allowed");
  });

  async function setUpWithToken() {
    const stack = new AsyncDisposableStack();
    const gateway = stack.use(await startTestGateway({ config: { auth: { token: "a-long-shared-token" } } }));
    return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }
});
