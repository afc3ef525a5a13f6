/** Requests that clients really sent to software like this, from the outer corpus; each kind has tests of our own too. */
import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { NOT_HERE, readOuter } from "../support/recordings/outer-corpus.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

interface FieldFault {
  readonly id: string;
  readonly name: string;
  readonly dialect: "anthropic-messages" | "openai-chat" | "openai-responses" | "any";
  readonly requestText?: string;
  readonly requestBase64?: string;
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

const faults = Object.values(readOuter<Record<string, FieldFault>>("corpus/field-faults.json") ?? {});
const named = (...ids: readonly string[]) => faults.filter(({ id }) => ids.some((prefix) => id.startsWith(prefix)));

const PATHS = {
  "anthropic-messages": "/v1/messages",
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
  any: "/v1/models",
};
const TOKEN = "the-right-token-of-32-characters";

/** A gateway with a model of each dialect, named as the corpus names them, over an upstream that a test plays. */
async function setUp(config: Record<string, unknown> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(
    await startTestGateway({
      config: {
        routes: {
          messages: { dialect: "anthropic-messages", baseUrl: upstream.url },
          chat: { dialect: "openai-chat", baseUrl: `${upstream.url}/v1` },
          responses: { dialect: "openai-responses", baseUrl: `${upstream.url}/v1` },
        },
        models: {
          messages: { route: "messages", model: "m" },
          chat: { route: "chat", model: "m" },
          responses: { route: "responses", model: "m" },
        },
        ...config,
      },
    }),
  );
  return { upstream, gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const json = { "content-type": "application/json" };
/** What a body says of numbers, in order. */
const numbersOf = (text: string) => text.match(/(?<=[:[,])-?\d[\d.eE+-]*(?=[,}\]])/g) ?? [];

if (faults.length === 0) test.skip(`requests from the field (${NOT_HERE})`, () => {});
else {
  test.each(named("field-14"))("$id: $name goes upstream with every digit", async ({ dialect, requestText = "" }) => {
    await using up = await setUp();
    const asking = fetch(up.gateway.url + PATHS[dialect], { method: "POST", headers: json, body: requestText });
    const exchange = await up.upstream.request();
    const digits = numbersOf(requestText).filter((number) => number.length > 15);
    expect(digits.length).toBeGreaterThan(0);
    expect(numbersOf(exchange.body)).toEqual(expect.arrayContaining(digits));
    exchange.json(400, { error: { message: "enough was seen" } });
    await (await asking).text();
  });

  describe.each(named("field-18"))("$id: $name", () => {
    test.each([
      ["directly", {}, {}],
      ["through a proxy that knows no address", { trustedProxies: ["127.0.0.1"] }, { "x-forwarded-for": "unknown" }],
    ])("%s, the right token is let in after 15 wrong ones", async (_, listen, headers) => {
      await using up = await setUp({ auth: { token: TOKEN }, listen: { port: 0, ...listen } });
      const ask = async (token: string) => {
        const sent = { ...headers, authorization: `Bearer ${token}` } as Record<string, string>;
        const response = await fetch(`${up.gateway.url}/v1/models`, { headers: sent });
        await response.text();
        return response.status;
      };
      for (let times = 0; times < 15; times++) expect([401, 429]).toContain(await ask("an-old-token"));
      expect(await ask(TOKEN)).toBe(200);
    });
  });

  test.each(named("field-19"))("$id: $name passes exactly as it is listed", async ({ name }) => {
    const origin = name.slice(name.indexOf(": ") + 2);
    await using up = await setUp({ allowedOrigins: [origin] });
    const ask = (from: string, method = "GET") =>
      fetch(`${up.gateway.url}/v1/models`, {
        method,
        headers: { origin: from, "access-control-request-method": "GET" },
      });
    for (const [method, status] of [
      ["GET", 200],
      ["OPTIONS", 204],
    ] as const) {
      const answer = await ask(origin, method);
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([status, origin]);
      expect((await ask(`${origin}x`, method)).status).toBe(403);
    }
  });

  test.each(named("field-21"))("$id: $name is told to last longer than 60 s", async () => {
    await using up = await setUp({ listen: { port: 0, trustedProxies: ["127.0.0.1"] } });
    const { hostname, port } = new URL(up.gateway.url);
    const socket = connect({ port: Number(port), host: hostname });
    socket.write("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(Number(/\r\nkeep-alive: timeout=(\d+)\r\n/i.exec(String(answer))?.[1])).toBeGreaterThan(60);
    socket.destroy();
  });

  test.each(named("field-23"))("$id: $name is unpacked and answered", async (fault) => {
    const { dialect, requestBase64 = "", requestHeaders } = fault;
    await using up = await setUp();
    const body = Buffer.from(requestBase64, "base64");
    const asking = fetch(up.gateway.url + PATHS[dialect], {
      method: "POST",
      headers: { ...json, ...requestHeaders },
      body,
    });
    const exchange = await up.upstream.request();
    expect(JSON.parse(exchange.body)).toEqual({ model: "m", stream: true, input: "Hi" });
    exchange
      .sse()
      .event({ type: "response.completed", response: { status: "completed" } }, "response.completed")
      .end();
    expect((await asking).status).toBe(200);
    const broken = await fetch(up.gateway.url + PATHS[dialect], {
      method: "POST",
      headers: { ...json, ...requestHeaders },
      body: body.subarray(0, body.length - 4),
    });
    expect(broken.status).toBe(400);
  });

  test.each(named("field-24"))("$id: $name are served", async () => {
    await using up = await setUp();
    for (const path of [
      "/v1//chat/completions",
      "//v1/chat/completions",
      "/v1/chat/completions/",
      "/chat/completions",
      "/v1/v1/messages",
    ]) {
      const model = path.endsWith("messages") ? "messages" : "chat";
      const body = JSON.stringify({ model, stream: true, max_tokens: 9, messages: [{ role: "user", content: "Hi" }] });
      const asking = fetch(up.gateway.url + path, { method: "POST", headers: json, body });
      (await up.upstream.request()).json(400, { error: { message: "the provider was reached" } });
      const answer = await asking;
      expect([path, answer.status, await answer.text()]).toEqual([
        path,
        400,
        expect.stringContaining("the provider was reached"),
      ]);
    }
  });

  // test/transport/http/inbound-bodies.test.ts: at that rate it may take four minutes and more.
  test.each(named("field-26"))("$id: $name, in pieces as they come there, is answered", async () => {
    await using up = await setUp();
    const total = 3_000_000;
    const start = '{"model":"chat","stream":false,"messages":[{"role":"user","content":"';
    const body = Buffer.from(`${start.padEnd(total - 5, "x")}"}]} `.slice(0, total));
    const { hostname, port } = new URL(up.gateway.url);
    const socket = connect({ port: Number(port), host: hostname });
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`);
    socket.write(`content-length: ${body.length}\r\nconnection: close\r\n\r\n`);
    for (let at = 0; at < body.length; at += 12_500) {
      await new Promise((written) => socket.write(body.subarray(at, at + 12_500), written));
    }
    (await up.upstream.request()).json(400, { error: { message: "the provider was reached" } });
    expect(await textOf(socket)).toContain("the provider was reached");
  });
}
