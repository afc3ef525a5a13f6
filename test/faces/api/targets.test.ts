/** Targets as base URLs make them that were put together wrongly, and as clients send them that take us for a proxy. */
import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { CHAT, FINISH, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const WRONG = [
  ["/v1//chat/completions", CHAT],
  ["//v1/chat/completions", CHAT],
  ["/v1/chat/completions/", CHAT],
  ["/chat/completions", CHAT],
  ["/v1/v1/messages", MESSAGES],
  ["/messages", MESSAGES],
  ["//v1//responses//", RESPONSES],
] as const;

/** The whole answer to these bytes, up to the end of the connection. */
async function raw(url: string, head: readonly string[], body = ""): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname });
  await once(socket, "connect");
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return textOf(socket);
}

describe("a path with a superfluous or missing slash or /v1", () => {
  test.each(WRONG)("%s is served", async (path, { body }) => {
    await using up = await setUp();
    const asking = up.post({ path, body: { ...body, stream: false } });
    const exchange = await up.upstream.request();
    exchange.json(400, { error: { message: "the provider was reached" } });
    expect(JSON.parse((await asking).text).error.message).toBe("the provider was reached");
  });

  test("finds the list of models and each model", async () => {
    await using up = await setUp();
    for (const path of ["/v1/models/", "/models", "//v1//models"]) {
      expect([path, await (await fetch(up.gateway.url + path)).json()]).toMatchObject([path, { object: "list" }]);
    }
    expect(await (await fetch(`${up.gateway.url}/models/gpt`)).json()).toMatchObject({ id: "gpt" });
  });
});

describe("an unknown path of the vendors' APIs", () => {
  test.each([
    ["/openai/v1/chat/completions", "ask with POST /v1/chat/completions"],
    ["/anthropic/v1/messages", "ask with POST /v1/messages"],
    ["/v1/embeddings", "POST /v1/embeddings is not served here"],
    ["/v1/messages/batches", "POST /v1/messages/batches is not served here"],
  ])("(%s) is 404 in the vendor's form: %s", async (path, words) => {
    await using up = await setUp();
    const answer = await up.post({ path, body: {} });
    expect(answer.status).toBe(404);
    const { error } = JSON.parse(answer.text);
    expect(error.message).toContain(words);
    expect(error.type).toBe(path.includes("/messages") ? "not_found_error" : "invalid_request_error");
  });

  test("or an endpoint asked with the wrong method is told the right one", async () => {
    await using up = await setUp();
    const answer = await fetch(`${up.gateway.url}/v1/chat/completions`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      error: { message: "GET /v1/chat/completions is not served here: ask with POST /v1/chat/completions" },
    });
  });

  test("does not include pages or Sluice's own paths", async () => {
    await using up = await setUp();
    expect((await fetch(`${up.gateway.url}/v1/stream`)).status).toBe(426);
    expect((await fetch(`${up.gateway.url}/readyz`)).status).toBe(200);
    for (const path of ["/nowhere", "/v1/streams/none/nothing"]) {
      const answer = await fetch(up.gateway.url + path);
      expect([path, answer.status, await answer.json()]).toMatchObject([path, 404, { error: { code: "not_found" } }]);
    }
  });
});

describe("a target in absolute form", () => {
  const body = JSON.stringify({ ...CHAT.body, stream: false });
  const head = (target: string, host: string) => [
    `POST ${target} HTTP/1.1`,
    `Host: ${host}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];

  test("is served by its path", async () => {
    await using up = await setUp();
    const asking = raw(up.gateway.url, head(`${up.gateway.url}/v1/chat/completions?x=1`, "localhost"), body);
    (await up.upstream.request()).json(200, FINISH);
    expect(await asking).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("determines the host, whatever the Host field contains", async () => {
    await using up = await setUp();
    const answer = await raw(up.gateway.url, head("http://evil.example/v1/chat/completions", "localhost"), body);
    expect(answer).toMatch(/^HTTP\/1\.1 403 .*host/s);
    expect(up.upstream.requests).toBe(0);
  });
});

describe("Expect: 100-continue", () => {
  const head = (bytes: number, ...more: string[]) => [
    "POST /v1/chat/completions HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${bytes}`,
    "Expect: 100-continue",
    ...more,
  ];

  test("receives 100 Continue, then the response", async () => {
    await using up = await setUp();
    const body = JSON.stringify({ ...CHAT.body, stream: false });
    const { hostname, port } = new URL(up.gateway.url);
    const socket = connect({ port: Number(port), host: hostname });
    socket.write(`${head(body.length, "Connection: close").join("\r\n")}\r\n\r\n`);
    const [first] = await once(socket, "data");
    expect(String(first)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.write(body);
    (await up.upstream.request()).json(200, FINISH);
    expect(await textOf(socket)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    ["more than the limit", 413, head(2_001)],
    ["an encoding nobody knows", 400, head(10, "Content-Encoding: compress")],
    ["no credentials", 401, head(10)],
    ["another path", 404, ["POST /nowhere HTTP/1.1", ...head(10).slice(1)]],
  ])("(%s) is refused with %i at once, without a 100, and the connection closes", async (what, status, lines) => {
    const auth = what === "no credentials" ? { auth: { token: "a-token-of-sixteen-and-more" } } : {};
    await using up = await setUp({ limits: { apiBodyBytes: 2_000 }, ...auth });
    const answer = await raw(up.gateway.url, lines);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nconnection: close\\r\\n`, "is"));
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))).error.message).toBeTruthy();
  });
});

describe("a route with a session header", () => {
  const HEADER = "x-openclaw-session-key";
  const config = (upstream: string) => ({
    routes: {
      agents: { dialect: "openai-chat", baseUrl: `${upstream}/v1`, sessionHeader: HEADER },
      chat: { dialect: "openai-chat", baseUrl: `${upstream}/v1` },
    },
    models: { agent: { route: "agents", model: "openclaw" }, gpt: { route: "chat", model: "gpt" } },
  });

  test.each([
    ["agent", "sluice:local:my chat"],
    ["gpt", undefined],
  ])("forwards the client's name of its conversation below the caller's: %s", async (model, forwarded) => {
    await using rig = await setUp(config);
    const answered = rig.post({ ...CHAT, body: { ...CHAT.body, model, stream: false } }, { [HEADER]: "my chat" });
    const request = await rig.upstream.request();
    expect(request.headers[HEADER]).toBe(forwarded);
    request.json(400, { error: { message: "the provider was reached" } });
    await answered;
  });
});
