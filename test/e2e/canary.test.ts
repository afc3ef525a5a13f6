import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AiChat } from "../support/clients/ai-chat.ts";
import { ResponsesSocketClient } from "../support/clients/responses-socket-client.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { upgrade } from "../support/clients/upgrade.ts";
import { type SluiceProcess, startSluice } from "../support/gateways/sluice-process.ts";
import { FaceClient, SOCKET_FACES } from "../support/gateways/socket-faces.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { respond } from "../support/upstreams/responses-script.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../support/upstreams/scripted-upstream.ts";

const [, [, aiSdk]] = SOCKET_FACES;
const canaries: string[] = [];

/** Text that occurs nowhere else: short, so that nothing takes it for a credential and hides it. */
function canary(): string {
  const made = `canary${randomBytes(6).toString("hex")}`;
  canaries.push(made);
  return made;
}

/** What the operator keeps: as long and as random as it should be. */
const routeKey = `sk-${canary()}${randomBytes(20).toString("hex")}`;
const sharedToken = `${canary()}${randomBytes(20).toString("hex")}`;
const tenantHeader = `${canary()}${randomBytes(20).toString("hex")}`;
const secrets = [...canaries];

const prompt = canary();
const answer = canary();
const delta = (content: string) => ({ id: "c1", choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const FINISH = {
  id: "c1",
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

/** A provider's error that quotes the request and the credentials it came with. */
const complaint = () => ({
  error: { type: "invalid_request_error", message: `${routeKey} of ${tenantHeader} said ${prompt} ${canary()}` },
});

/** Ways for an upstream to answer, each with something in it that must not get out. */
const ANSWERS: Readonly<Record<string, (exchange: ScriptedExchange) => void>> = {
  whole: (exchange) => exchange.sse().event(delta(answer)).event(FINISH).event("[DONE]").end(),
  "HTTP error": (exchange) => exchange.json(400, complaint()),
  "rate limit": (exchange) => exchange.json(429, complaint(), { "x-secret": canary() }),
  "server error": (exchange) => exchange.json(500, complaint()),
  "an error page": (exchange) =>
    exchange.head(502, { "content-type": "text/html" }).write(`<h1>${canary()} ${routeKey}</h1>`).finish(),
  "a redirect": (exchange) => exchange.head(302, { location: `https://evil.com/${canary()}` }).finish(),
  "no stream": (exchange) => exchange.json(200, { choices: [{ message: { content: canary() } }] }),
  "an error event": (exchange) => exchange.sse().event(delta(answer)).event(complaint()).end(),
  "no JSON": (exchange) => exchange.sse().event(canary()).event(`{"broken": "${canary()}`).event(FINISH).end(),
  "not UTF-8": (exchange) =>
    exchange
      .sse()
      .chunk(Buffer.from(`data: "${canary()}\xff"\n\n`, "latin1"))
      .event(FINISH)
      .event("[DONE]")
      .end(),
  "a cut in an event": (exchange) => exchange.sse().event(delta(answer)).chunk(`data: "${canary()}`).reset(),
  "an unterminated end": (exchange) => exchange.sse().event(delta(answer)).chunk(`data: "${canary()}`).end(),
  "broken HTTP": (exchange) => exchange.sse().event(delta(answer)).write(`${canary()}\r\n`).finish(),
  "broken headers": (exchange) => exchange.write(`HTTP/1.1 200 OK\r\n${canary()}\r\n\r\n`).finish(),
};

let upstream: ScriptedUpstream;
let sluice: SluiceProcess;
let client: StreamClient;
/** Connected all the time, asking for nothing. */
let bystander: StreamClient;

beforeAll(async () => {
  upstream = await startScriptedUpstream();
  const chat = {
    dialect: "openai-chat",
    baseUrl: `${upstream.url}/v1`,
    key: { env: "ROUTE_KEY" },
    headers: { "x-tenant": { env: "TENANT" } },
  };
  const config = {
    data: { store: "memory" },
    log: { level: "debug", pretty: false },
    routes: {
      chat: { ...chat, passThrough: ["POST /v1/embeddings", "GET /v1/files/*"] },
      responses: { ...chat, dialect: "openai-responses" },
    },
    models: { gpt: { route: "chat", model: "gpt-test" }, responses: { route: "responses", model: "responses-test" } },
    limits: { drainMs: 100, requests: { violationsPerMinute: 1_000, authFailuresPerMinute: 1_000 } },
  };
  const env = { ROUTE_KEY: routeKey, TENANT: tenantHeader, SLUICE_TOKEN: sharedToken };
  sluice = await startSluice(config, { env });
  client = await (await StreamClient.connect(sluice.url, { token: sharedToken })).hello();
  bystander = await (await StreamClient.connect(sluice.url, { token: sharedToken })).hello();
});

afterAll(async () => {
  client.ws.terminate();
  bystander.ws.terminate();
  await sluice[Symbol.asyncDispose]();
  await upstream.close();
});

const body = { messages: [{ role: "user", content: prompt }] };
const authorization = `Bearer ${sharedToken}`;

/** What is in the text and should not be. */
const leaks = (text: string, forbidden: readonly string[] = canaries) =>
  forbidden.filter((word) => text.includes(word));

describe("while both faces see success, failure and nonsense", () => {
  test.each(Object.entries(ANSWERS))("the stream face, upstream: %s", async (name, script) => {
    client.send({ type: "open", id: name.replaceAll(" ", "-"), model: "gpt", body, retry: false });
    const exchange = await upstream.request();
    expect(exchange.headers).toMatchObject({ authorization: `Bearer ${routeKey}`, "x-tenant": tenantHeader });
    expect(exchange.body).toContain(prompt);
    const before = client.texts.length;
    script(exchange);
    const { end } = await client.rest(name.replaceAll(" ", "-"));
    expect(leaks(JSON.stringify(end), secrets)).toEqual([]);
    // Also where the provider's own event quotes them.
    expect(leaks(client.texts.slice(before).join(), secrets)).toEqual([]);
  });

  test.each(Object.entries(ANSWERS))("the Responses socket, upstream: %s", async (_, script) => {
    using socket = await ResponsesSocketClient.connect(sluice.url, sharedToken);
    socket.create({ input: prompt, instructions: canary(), previous_response_id: undefined });
    script(await upstream.request());
    // None of these answers is a complete response.
    while (!["error", "response.failed"].includes((await socket.next()).type));
    expect(leaks(socket.texts.join(), secrets)).toEqual([]);
  });

  test.each(Object.entries(ANSWERS))("a request that is passed on, upstream: %s", async (_, script) => {
    const text = async (asking: Promise<Response>) => {
      script(await upstream.request());
      const answer = await asking;
      // What the provider cuts off is cut off here.
      return JSON.stringify([...answer.headers]) + (await answer.text().catch(() => ""));
    };
    const body = JSON.stringify({ model: "gpt", input: prompt, user: canary() });
    const headers = { authorization, "content-type": "application/json", cookie: canary() };
    const posted = await text(fetch(`${sluice.url}/v1/embeddings`, { method: "POST", headers, body }));
    const path = `/v1/files/${canary()}?after=${canary()}&key=${canary()}`;
    const got = await text(fetch(`${sluice.url}${path}`, { headers: { authorization } }));
    expect(leaks(posted + got, secrets)).toEqual([]);
  });

  // The others are asked again, because this face's clients do not.
  const answeredOnce = ["whole", "HTTP error", "an error event", "no JSON", "not UTF-8", "a cut in an event"];
  test.each(answeredOnce)("the AI SDK's transport, upstream: %s", async (name) => {
    using chat = new AiChat(sluice.url, {
      body: { model: "gpt", system: canary(), [canary()]: canary() },
      headers: { authorization: `Bearer ${sharedToken}` },
    });
    const sending = chat.sendMessage({ text: prompt });
    ANSWERS[name]?.(await upstream.request());
    await sending;
    expect(leaks(`${chat.error?.message} ${JSON.stringify(chat.messages)}`, secrets)).toEqual([]);
  });

  test("the Responses socket, a whole response and one that continues it with a tool's result", async () => {
    using socket = await ResponsesSocketClient.connect(sluice.url, sharedToken);
    const call = { type: "function_call", call_id: canary(), name: canary(), arguments: `{"at":"${canary()}"}` };
    const reasoning = {
      type: "reasoning",
      encrypted_content: canary(),
      summary: [{ type: "summary_text", text: canary() }],
    };
    socket.create({ input: prompt, instructions: canary(), metadata: { secret: canary() }, stream_id: canary() });
    respond(await upstream.request(), canary(), [reasoning, call]);
    const completed = await socket.next("response.completed");
    const { id } = completed.response as { readonly id: string };
    const output = { type: "function_call_output", call_id: call.call_id, output: canary() };
    socket.create({ previous_response_id: id, input: [output] });
    respond(await upstream.request(), canary(), []);
    await socket.next("response.completed");
    expect(leaks(socket.texts.join(), secrets)).toEqual([]);
  });

  test("the AI SDK's transport, a tool's turn, another tab, and a stop", async () => {
    const headers = { authorization: `Bearer ${sharedToken}` };
    const name = canary();
    const body = {
      model: "gpt",
      tools: [{ name, description: canary(), parameters: {} }],
      options: { user: canary() },
    };
    const id = canary();
    using chat = new AiChat(sluice.url, { id, body, headers, tool: () => canary() });
    const sending = chat.sendMessage({ text: prompt, metadata: { secret: canary() } });
    const called = { index: 0, id: canary(), function: { name, arguments: `{"at":"${canary()}"}` } };
    const choice = (delta: object, finish_reason: string | null = null) => ({
      choices: [{ index: 0, delta, finish_reason }],
    });
    (await upstream.request())
      .sse()
      .event(choice({ tool_calls: [called] }))
      .event(choice({}, "tool_calls"))
      .event("[DONE]")
      .end();
    const exchange = (await upstream.request()).sse().event(delta(answer));
    using tab = new AiChat(sluice.url, { id, body, headers });
    const resuming = tab.resumeStream();
    await turnsUntil(() => tab.said.includes(answer));
    await tab.stop();
    await Promise.all([sending, resuming, exchange.closed]);
    expect(leaks(JSON.stringify([chat.messages, tab.messages]), secrets)).toEqual([]);
  });

  test("the AI SDK's transport, bad frames", async () => {
    using socket = await FaceClient.connect(aiSdk, sluice.url, sharedToken);
    for (const text of [canary(), `{"type":"${canary()}","requestId":"${canary()}"}`, `{"${canary()}":1}`])
      socket.send(text);
    const headers = { authorization: `Bearer ${canary()}` };
    using wrong = await FaceClient.connect(aiSdk, sluice.url, sharedToken);
    wrong.ask("1", { headers });
    await wrong.closed;
    socket.ask("2", { id: canary(), body: { model: canary(), options: { user: canary() } } });
    socket.ask("3", { messages: [{ id: canary(), role: canary(), parts: [{ type: "text", text: prompt }] }] });
    const url = `https://${canary()}.example/${canary()}`;
    socket.ask("4", {
      messages: [{ id: "m", role: "user", parts: [{ type: "file", url, filename: canary(), mediaType: canary() }] }],
    });
    socket.send({ type: "resume", requestId: "5", id: canary(), headers: {} });
    await socket.until(() => JSON.stringify(socket.frames).includes("no-active"));
    expect(["2", "3", "4"].map((id) => socket.endings(id)[0]?.as)).toEqual(Array(3).fill("refused"));
    expect(leaks(JSON.stringify([socket.frames, wrong.frames]), [...secrets, prompt])).toEqual([]);
  });

  test("the Responses socket, bad frames", async () => {
    using socket = await ResponsesSocketClient.connect(sluice.url, sharedToken);
    for (const frame of [canary(), `{"type":"${canary()}"}`, `{"${canary()}":1}`]) socket.send(frame);
    socket.create({ model: canary(), input: prompt });
    socket.create({ input: prompt, previous_response_id: canary() });
    for (let refusal = 0; refusal < 4; refusal++)
      expect(leaks(JSON.stringify(await socket.next()), secrets)).toEqual([]);
    expect(leaks(socket.texts.join(), [prompt])).toEqual([]);
  });

  test("the stream face, bad frames", async () => {
    const frames = [
      canary(),
      `{"type":"${canary()}"}`,
      `{"${canary()}":1}`,
      { type: "open", id: canary(), model: canary(), body },
      { type: "open", id: "x", route: canary(), body },
      { type: "open", id: `not an id ${canary()}`, model: "gpt", body },
      { type: "open", id: "x", model: "gpt", body: { text: canary() }, [canary()]: canary() },
      { type: "open", id: "x", model: "gpt", body: canary() },
      { type: "resume", id: "x", stream: canary(), epoch: 1, after: 0 },
      { type: "cancel", id: canary() },
      { type: "ack", streams: { [canary()]: 1 } },
    ];
    for (const frame of frames) client.send(frame);
    client.send({ type: "open", id: "last", model: "nobody", body });
    await client.take((frame) => frame.type === "error" && frame.id === "last");
    const told = client.texts.filter((text) => text.includes('"type":"error"'));
    expect(told.length).toBeGreaterThanOrEqual(9);
    expect(leaks(told.join(), [...secrets, prompt])).toEqual([]);
  });

  test("refused handshakes and pages", async () => {
    const wrong = { authorization: `Bearer ${canary()}` };
    const good = { authorization };
    const handshakes: readonly (readonly [string, Record<string, string>])[] = [
      ["/v1/stream", wrong],
      ["/v1/stream", { authorization: `Basic ${canary()}` }],
      ["/v1/stream", { "sec-websocket-protocol": `sluice.v1, base64url.bearer.sluice.${canary()}` }],
      ["/v1/stream", { ...good, origin: `https://${canary()}.example` }],
      ["/v1/stream", { ...good, "sec-websocket-protocol": canary() }],
      ["/v1/stream", { ...good, "sec-websocket-version": canary() }],
      [`/${canary()}?token=${sharedToken}`, good],
      ["/v1/responses", wrong],
      ["/v1/responses", { ...good, origin: `https://${canary()}.example` }],
      [`/v1/responses?key=${canary()}`, {}],
      ["/v1/chat", wrong],
      ["/v1/chat", { "sec-websocket-protocol": `sluice.ai, base64url.bearer.sluice.${canary()}` }],
      [`/v1/chat?ticket=${canary()}`, {}],
    ];
    for (const [path, headers] of handshakes) {
      const refused = await upgrade(sluice.url, { path, headers });
      expect(refused.status).toBeGreaterThanOrEqual(400);
      expect(leaks(refused.body + JSON.stringify(refused.headers))).toEqual([]);
    }
    // The one thing that is repeated, where it is a host name: behind a proxy, it is what the operator must allow.
    const elsewhere = await upgrade(sluice.url, { path: "/v1/stream", headers: { ...good, host: "other.example" } });
    expect(elsewhere.body).toContain("other.example");
    const nowhere = await upgrade(sluice.url, { path: "/v1/stream", headers: { ...good, host: `<${canary()}>` } });
    expect(leaks(nowhere.body + JSON.stringify(nowhere.headers))).toEqual([]);
    const pages: readonly (readonly [string, Record<string, string>])[] = [
      ["/metrics", wrong],
      ["/start.json", wrong],
      [`/${canary()}`, good],
      [`/v1/streams/${canary()}/events`, good],
      [`/v1/streams/${canary()}/events?after=${canary()}`, { ...good, "last-event-id": canary() }],
      [`/v1/streams/${canary()}/events?wait=${canary()}`, wrong],
    ];
    for (const [path, headers] of pages) {
      const page = await fetch(`${sluice.url}${path}`, { headers: { ...headers, "user-agent": canary() } });
      expect(leaks(await page.text(), secrets)).toEqual([]);
    }
  });

  test("the OpenClaw face", async () => {
    using stranger = await OpenClawClient.dial(sluice.url);
    await expect(stranger.connect({ token: canary() })).rejects.toThrow();
    using chat = await OpenClawClient.dial(sluice.url);
    await chat.connect({ token: sharedToken });
    for (const [name, script] of Object.entries(ANSWERS)) {
      const runId = canary();
      const sent = chat.request("chat.send", {
        sessionKey: "main",
        message: `${prompt} ${name}`,
        idempotencyKey: runId,
      });
      // It calls again where the failure allows.
      const ended = sent.then(() => chat.ended(runId));
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      upstream.respondWith((exchange) => {
        if (!isOver) script(exchange);
      });
      const last = await ended;
      expect(leaks(JSON.stringify(last), secrets)).toEqual([]);
    }
    for (const [method, params] of [
      [canary(), {}],
      ["chat.send", { sessionKey: canary(), message: canary(), [canary()]: 1 }],
      ["chat.history", { sessionKey: canary(), limit: canary() }],
      ["sessions.patch", { key: canary(), label: canary(), nonsense: canary() }],
      ["chat.abort", { sessionKey: canary(), runId: canary() }],
    ] as const) {
      await chat.request(method, params).catch(() => {});
    }
    expect(leaks(JSON.stringify(chat.frames), secrets)).toEqual([]);
  });
});

describe("afterwards", () => {
  let metrics = "";

  beforeAll(async () => {
    const page = await fetch(`${sluice.url}/metrics`, { headers: { authorization } });
    metrics = await page.text();
    sluice.kill("SIGTERM");
    expect(await sluice.exit).toBe(0);
  });

  test("the log reports every stream and contains no canary", () => {
    const lines = sluice.stdout.split("\n").filter((line) => line.includes('"event":"stream"'));
    expect(lines.length).toBeGreaterThanOrEqual(2 * Object.keys(ANSWERS).length);
    expect(sluice.stdout).toContain('"event":"connection"');
    expect(sluice.stdout).toContain('"event":"refused"');
    expect(leaks(sluice.stdout)).toEqual([]);
  });

  test("standard error contains no canary", () => {
    expect(leaks(sluice.stderr)).toEqual([]);
  });

  test("the metrics count everything and contain no canary", () => {
    expect(metrics).toMatch(/^sluice_streams_ended_total\{face="openclaw",.*status="completed"/m);
    for (const face of ["responses-socket", "ai-sdk"]) {
      expect(metrics).toMatch(new RegExp(`^sluice_streams_ended_total\\{face="${face}",.*status="completed"`, "m"));
      expect(sluice.stdout).toMatch(new RegExp(`"event":"stream".*"face":"${face}"`));
    }
    expect(metrics).toMatch(/^sluice_refusals_total\{where="upgrade",code="unauthorized"\}/m);
    expect(leaks(metrics)).toEqual([]);
  });

  test("another client of the stream face received no canary", () => {
    expect(leaks(bystander.texts.join("\n"))).toEqual([]);
  });

  test("the canaries can be found", () => {
    expect(canaries.length).toBeGreaterThan(50);
    expect(leaks(`${client.texts.join("\n")}`)).toContain(answer);
  });
});
