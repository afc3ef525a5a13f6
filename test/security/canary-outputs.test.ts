import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { upgrade } from "../support/clients/upgrade.ts";
import { COMPILED } from "../support/gateways/compiled.ts";
import { type SluiceProcess, startSluice } from "../support/gateways/sluice-process.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../support/upstreams/scripted-upstream.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const sluiceCommand = async (...args: readonly string[]) =>
  (await promisify(execFile)(process.execPath, ["--no-warnings", MAIN, ...args], { env: COMPILED })).stdout.trim();

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const FINISH = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

/** What must never be found: who may call, and with what. What must be found nowhere but where it belongs: content. */
function canaries() {
  const word = () => `canary${randomBytes(6).toString("hex")}`;
  const secret = () => `${word()}${randomBytes(20).toString("hex")}`;
  return {
    secrets: {
      routeKey: `sk-${secret()}`,
      tenant: secret(),
      token: secret(),
      ownKey: `sk-own-${secret()}`,
      wrongToken: secret(),
      gatewayKey: "",
      ticket: "",
    },
    /** Of the stream face and the HTTP APIs: held in memory while it passes. */
    passing: {
      prompt: word(),
      answer: word(),
      complaint: word(),
      path: word(),
      query: word(),
      agent: word(),
      name: word(),
    },
    /** Of an OpenClaw chat: kept in its transcript. */
    kept: { prompt: word(), answer: word() },
  };
}

describe.each(["info", "debug"])("with the log at %s", (level) => {
  const { secrets, passing, kept } = canaries();
  /** Everything the gateway said over HTTP that was no stream, and the frames in which it refused. */
  const refusals: string[] = [];
  let upstream: ScriptedUpstream;
  let sluice: SluiceProcess;
  let metrics = "";
  let usage = "";
  const files = new Map<string, string>();

  // Not 401, after which the route rests.
  const quoting = (exchange: ScriptedExchange) =>
    void exchange.json(400, {
      error: { type: "auth", message: `${exchange.headers.authorization} ${secrets.tenant} ${passing.complaint}` },
    });
  const whole = (answer: string) => (exchange: ScriptedExchange) => {
    if (JSON.parse(exchange.body).stream) exchange.sse().event(delta(answer)).event(FINISH).event("[DONE]").end();
    else
      exchange.json(200, {
        choices: [{ index: 0, message: { content: answer }, finish_reason: "stop" }],
        usage: FINISH.usage,
      });
  };

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`${sluice.url}${path}`, init);
    if (!response.ok) refusals.push((await response.clone().text()) + JSON.stringify([...response.headers]));
    return response;
  }

  async function callStreams(headers: Record<string, string>): Promise<void> {
    const client = await (await StreamClient.connect(sluice.url, { headers })).hello();
    const body = { messages: [{ role: "user", content: passing.prompt }] };
    upstream.respondWith(whole(passing.answer));
    expect((await client.run("a", { model: "gpt", body })).end.status).toBe("completed");
    upstream.respondWith(quoting);
    expect((await client.run("b", { model: "gpt", body, retry: false })).end.status).toBe("failed");
    client.send({ type: "open", id: "c", model: passing.name, body });
    client.send(`{"type":"${passing.name}","${passing.name}":1}`);
    await client.take((frame) => frame.type === "error");
    await client.take((frame) => frame.type === "error");
    refusals.push(...client.texts.filter((text) => /"type":"(end|error)"/.test(text)));
    client.close();
    await client.closed;
  }

  async function callApis(key: string): Promise<void> {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "user-agent": passing.agent };
    const body = (more: Record<string, unknown>) =>
      JSON.stringify({ model: "gpt", messages: [{ role: "user", content: passing.prompt }], ...more });
    for (const stream of [true, false]) {
      upstream.respondWith(whole(passing.answer));
      const answer = await ask("/v1/chat/completions", { method: "POST", headers, body: body({ stream }) });
      expect(await answer.text()).toContain(passing.answer);
      upstream.respondWith(quoting);
      await ask("/v1/chat/completions", { method: "POST", headers, body: body({ stream }) });
    }
    await ask("/v1/chat/completions", { method: "POST", headers, body: body({ model: passing.name }) });
    await ask("/v1/chat/completions", { method: "POST", headers, body: `{"${passing.prompt}` });
    await ask("/v1/messages", { method: "POST", headers: { ...headers, "x-api-key": secrets.wrongToken }, body: "{}" });
    const google = `/v1beta/models/gpt:generateContent?key=${secrets.token}`;
    await ask(google, { method: "POST", headers: { ...headers, "x-goog-api-key": secrets.wrongToken }, body: "{}" });
    await ask(google, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  }

  async function chat(): Promise<void> {
    using client = await OpenClawClient.dial(sluice.url);
    await client.connect({ token: secrets.token });
    upstream.respondWith(whole(kept.answer));
    await client.request("chat.send", { sessionKey: "main", message: kept.prompt, idempotencyKey: "run-1" });
    await client.ended("run-1");
    upstream.respondWith(quoting);
    await client.request("chat.send", { sessionKey: "other", message: kept.prompt, idempotencyKey: "run-2" });
    refusals.push(JSON.stringify(await client.ended("run-2")));
    using stranger = await OpenClawClient.dial(sluice.url);
    await expect(stranger.connect({ token: secrets.wrongToken })).rejects.toThrow();
    refusals.push(JSON.stringify(stranger.frames));
  }

  async function beRefused(): Promise<void> {
    const path = `/${passing.path}?token=${secrets.token}&q=${passing.query}`;
    for (const headers of [
      { authorization: `Bearer ${secrets.wrongToken}` },
      { authorization: `Basic ${secrets.wrongToken}` },
      { "sec-websocket-protocol": `sluice.v1, base64url.bearer.sluice.${secrets.wrongToken}` },
      { authorization: `Bearer ${secrets.token}`, origin: `https://${passing.path}.example` },
      { authorization: `Bearer ${secrets.token}`, host: `${passing.path}.example` },
    ]) {
      const { status, body, headers: answered } = await upgrade(sluice.url, { headers });
      expect(status).toBeGreaterThanOrEqual(400);
      refusals.push(body + JSON.stringify(answered));
      await ask(path, { headers: { ...headers, "user-agent": passing.agent } as Record<string, string> }).catch(
        () => {},
      );
    }
  }

  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    const chatRoute = {
      dialect: "openai-chat",
      baseUrl: `${upstream.url}/v1`,
      key: { env: "ROUTE_KEY" },
      headers: { "x-tenant": { env: "TENANT" } },
    };
    const config = {
      log: { level, pretty: false },
      routes: { chat: chatRoute },
      models: { gpt: { route: "chat", model: "gpt-test" } },
      limits: {
        drainMs: 100,
        requests: { violationsPerMinute: 1_000, authFailuresPerMinute: 1_000 },
        streams: { loopDelayMs: 60_000 },
      },
    };
    const env = { ROUTE_KEY: secrets.routeKey, TENANT: secrets.tenant, SLUICE_TOKEN: secrets.token };
    sluice = await startSluice(config, { env });
    const data = join(sluice.directory, ".sluice");
    secrets.gatewayKey = await sluiceCommand(
      "keys",
      "create",
      "ada",
      "--data",
      data,
      "--upstream-key",
      "own_or_managed",
    );
    const authorization = `Bearer ${secrets.gatewayKey}`;
    // The gateway follows its keys within two seconds.
    await turnsUntil(
      async () => (await fetch(`${sluice.url}/v1/models`, { headers: { authorization } })).status !== 401,
    );
    const ticket = await ask("/v1/ticket", { method: "POST", headers: { authorization } });
    secrets.ticket = ((await ticket.json()) as { ticket: string }).ticket;

    await callStreams({ authorization });
    await callStreams({ authorization, "x-sluice-upstream-key": secrets.ownKey });
    await callApis(secrets.gatewayKey);
    await chat();
    await beRefused();
    const known = { headers: { authorization: `Bearer ${secrets.token}` } };
    usage = await (await ask("/v1/usage?by=model", known)).text();
    metrics = await (await ask("/metrics", known)).text();
    sluice.kill("SIGTERM");
    expect(await sluice.exit).toBe(0);
    for (const name of readdirSync(data)) files.set(name, readFileSync(join(data, name), "latin1"));
  });

  afterAll(async () => {
    await sluice[Symbol.asyncDispose]();
    await upstream.close();
  });

  const found = (text: string, words: Readonly<Record<string, string>>) =>
    Object.entries(words).filter(([, word]) => word === "" || text.includes(word));

  test("no secret is in the log, standard error, metrics, a refusal or a file", () => {
    const outputs = { log: sluice.stdout, stderr: sluice.stderr, metrics, usage, refusals: refusals.join("\n") };
    expect(refusals.length).toBeGreaterThan(20);
    for (const [name, text] of [...Object.entries(outputs), ...files]) {
      expect([name, found(text, secrets)]).toEqual([name, []]);
    }
  });

  test("nothing that was said is in the log, standard error, metrics or the ledger", () => {
    expect(sluice.stdout).toMatch(/"event":"stream".*"status":"failed"/);
    expect(sluice.stdout).toContain('"event":"refused"');
    if (level === "debug") expect(sluice.stdout).toContain('"event":"connection"');
    expect(metrics).toContain("sluice_streams_ended_total");
    expect(usage).toContain('"group":"gpt"');
    for (const text of [sluice.stdout, sluice.stderr, metrics, usage]) {
      expect(found(text, { ...passing, ...kept })).toEqual([]);
    }
    expect(files.get("ledger.db")).toContain("gpt");
    expect(files.get("keys.db")).toBeDefined();
    for (const [name, text] of files) {
      if (!name.startsWith("sluice.db")) expect([name, found(text, { ...passing, ...kept })]).toEqual([name, []]);
    }
  });

  test("the transcript holds the chat, and nothing that only passed through", () => {
    const transcript = [...files]
      .filter(([name]) => name.startsWith("sluice.db"))
      .map(([, text]) => text)
      .join("\n");
    expect(found(transcript, kept).map(([name]) => name)).toEqual(["prompt", "answer"]);
    const { complaint: _, ...rest } = passing;
    expect(found(transcript, rest)).toEqual([]);
  });

  test("the key file reveals a key's owner, not the key", () => {
    expect(files.get("keys.db")).toContain("ada");
    const [, , secret = ""] = secrets.gatewayKey.split("_");
    expect(files.get("keys.db")).not.toContain(secret || secrets.gatewayKey.slice(8));
  });
});
