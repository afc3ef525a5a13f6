import { once } from "node:events";
import { WebSocket } from "ws";
import type { Caps, Team } from "../../../src/core/caller/caller.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** Gateways in one process on one data directory, with keys by name, some of them in teams. */
export interface CappedGateways extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly gateways: readonly TestGateway[];
  readonly directory: string;
  secret(name: string): string;
  start(): Promise<TestGateway>;
}

/** As many gateways as asked for; a cluster if there is a Redis. */
export async function startCapped(
  directory: string,
  keys: Readonly<Record<string, Caps & { readonly team?: Team }>>,
  count = 1,
  redisUrl?: string,
  config: Record<string, unknown> = {},
): Promise<CappedGateways> {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const secrets = new Map<string, string>();
  const store = new KeyDatabase(directory);
  for (const [name, { team, ...caps }] of Object.entries(keys)) {
    const secret = freshSecret();
    secrets.set(name, secret);
    if (team) store.changeTeam(team.name, () => team);
    store.add(keyFor(name, secret, { id: `key_${name}`, caps, team }));
  }
  store.close();
  const prefix = `t${crypto.randomUUID().slice(0, 8)}`;
  const whole = {
    data: { directory, shared: redisUrl !== undefined },
    limits: { opensPerSecond: 100_000, streamsPerConnection: 100, streams: { opensBurst: 100_000 } },
    ...(redisUrl !== undefined && { cluster: { redis: { url: redisUrl, prefix } } }),
    ...config,
  };
  const start = async () => stack.use(await startTestGateway({ upstream: upstream.url, config: whole }));
  const gateways: TestGateway[] = [];
  for (let at = 0; at < count; at++) gateways.push(await start());
  return {
    upstream,
    gateways,
    directory,
    secret: (name) => secrets.get(name) ?? "",
    start,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const messages = [{ role: "user", content: "Hi" }];

/** What a client was told: status, headers and body without what names the moment, or frames. */
type Told = readonly unknown[];

const PASSING = ["date", "request-id", "x-request-id", "content-length", "keep-alive", "connection"];

async function post(url: string, secret: string, path: string, body: object, headers = {}): Promise<Told> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const told = [...answer.headers].filter(([name]) => !PASSING.includes(name));
  return [answer.status, told, (await answer.text()).replaceAll(/"request_id":"[^"]*"/g, "")];
}

/** Every frame there was once an error has come and a ping been answered after it. */
async function frames(url: string, secret: string, path: string, frame: object, protocols: string[]): Promise<Told> {
  const ws = new WebSocket(url.replace("http", "ws") + path, protocols, {
    headers: { authorization: `Bearer ${secret}` },
  });
  const texts: string[] = [];
  const failed = Promise.withResolvers<void>();
  ws.on("message", (data) => {
    texts.push(data.toString());
    if (data.toString().includes("error")) failed.resolve();
  });
  await once(ws, "open");
  ws.send(JSON.stringify(frame));
  await failed.promise;
  ws.ping();
  await once(ws, "pong");
  ws.terminate();
  return texts.filter((text) => !text.includes('"hello"')).map((text) => JSON.parse(text));
}

/** Every way of asking for an answer. */
export const FACES: Readonly<Record<string, (url: string, secret: string) => Promise<Told>>> = {
  "Chat Completions": (url, secret) =>
    post(url, secret, "/v1/chat/completions", { model: "gpt", messages, stream: true }),
  "Chat Completions, whole": (url, secret) => post(url, secret, "/v1/chat/completions", { model: "gpt", messages }),
  Messages: (url, secret) =>
    post(url, secret, "/v1/messages", { model: "claude", max_tokens: 50, messages, stream: true }),
  Responses: (url, secret) => post(url, secret, "/v1/responses", { model: "responses", input: "Hi", stream: true }),
  Gemini: (url, secret) =>
    post(url, secret, "/v1beta/models/gemini:streamGenerateContent?alt=sse", {
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    }),
  "pass-through": (url, secret) => post(url, secret, "/v1/embeddings", { model: "gpt", input: "Hi" }),
  "the stream socket": (url, secret) =>
    frames(url, secret, "/v1/stream", { type: "open", id: "a", model: "gpt", body: { messages } }, ["sluice.v1"]),
  "the Responses socket": (url, secret) =>
    frames(url, secret, "/v1/responses", { type: "response.create", model: "responses", input: "Hi" }, []),
  "the AI SDK's socket": (url, secret) =>
    frames(
      url,
      secret,
      "/v1/chat",
      {
        type: "send",
        requestId: "r",
        id: "chat",
        trigger: "submit-message",
        messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "Hi" }] }],
        headers: {},
        body: { model: "gpt" },
      },
      [],
    ),
};
