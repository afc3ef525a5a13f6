/** Published clients, against the real gateway over real sockets. */
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { GatewayClient } from "@openclaw/gateway-client";
import { type ChatChunk, OpenClawClient as NodeClient } from "openclaw-node";
import { startTestGateway, type TestGateway } from "../../../support/gateways/gateway.ts";
import { FrameCheck } from "../../../support/openclaw/openclaw-schemas.ts";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../../support/upstreams/scripted-upstream.ts";

const TOKEN = "a-shared-token-of-the-test";
const newDirectory = temporaryDirectories();

const withToken = (upstream: string, config: object = {}): Promise<TestGateway> =>
  startTestGateway({ upstream, config: { auth: { token: TOKEN }, ...config } });

const piece = (exchange: ScriptedExchange, content: string): ScriptedExchange =>
  exchange.event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });

function finish(exchange: ScriptedExchange): void {
  exchange.event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  exchange.event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } });
  exchange.event("[DONE]").end();
}

interface Chat {
  readonly runId: string;
  readonly state: string;
  readonly deltaText?: string;
  readonly message?: { readonly content: readonly { readonly text: string }[] };
}

/** The reference client with a queue of what it heard. */
class Listener {
  readonly client: GatewayClient;
  readonly heard: Chat[] = [];
  readonly gaps: unknown[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #check = new FrameCheck();

  private constructor(url: string, ready: (error?: Error) => void) {
    this.client = new GatewayClient({
      url: url.replace(/^http/, "ws"),
      token: TOKEN,
      scopes: ["operator.admin"],
      onHelloOk: () => ready(),
      onConnectError: ready,
      onGap: (gap) => this.gaps.push(gap),
      onEvent: (event) => {
        if (event.event !== "connect.challenge") this.#check.received(event);
        if (event.event === "chat") this.heard.push(event.payload as Chat);
        for (const look of this.#waiting) look();
      },
    });
  }

  static async connect(url: string): Promise<Listener> {
    const listener = await new Promise<Listener>((resolve, reject) => {
      const made: Listener = new Listener(url, (error) => (error ? reject(error) : resolve(made)));
      made.client.start();
    });
    open.push(() => listener.client.stop());
    return listener;
  }

  request<Result = Record<string, unknown>>(method: string, params: object): Promise<Result> {
    return this.client.request<Result>(method, params);
  }

  async until(look: () => boolean): Promise<void> {
    while (!look()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  texts(runId: string): readonly (string | undefined)[] {
    return this.heard
      .filter((chat) => chat.runId === runId && chat.state === "delta")
      .map(({ deltaText }) => deltaText);
  }

  async ended(runId: string): Promise<Chat> {
    const isEnd = (chat: Chat) => chat.runId === runId && ["final", "aborted", "error"].includes(chat.state);
    await this.until(() => this.heard.some(isEnd));
    return this.heard.find(isEnd) as Chat;
  }
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

describe("@openclaw/gateway-client, as it is published", () => {
  const send = (listener: Listener, idempotencyKey: string, message = "hello") =>
    listener.request("chat.send", { sessionKey: "main", message, idempotencyKey, deliver: false });

  test("chats: text grows with each event of the upstream", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await withToken(upstream.url, { defaultModel: "gpt" });
    const listener = await Listener.connect(gateway.url);
    expect(await send(listener, "r1")).toMatchObject({ runId: "r1", status: "started" });
    const exchange = (await upstream.request()).sse();
    for (const [index, text] of ["Good ", "evening", ", friend."].entries()) {
      piece(exchange, text);
      await listener.until(() => listener.texts("r1").length === index + 1);
    }
    finish(exchange);
    expect((await listener.ended("r1")).message?.content[0]?.text).toBe("Good evening, friend.");
    expect(listener.texts("r1")).toEqual(["Good ", "evening", ", friend."]);
    expect(listener.gaps).toEqual([]);
  });

  test("stops another run, whose upstream socket is closed", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await withToken(upstream.url, { defaultModel: "gpt" });
    const listener = await Listener.connect(gateway.url);
    await send(listener, "r1");
    const exchange = piece((await upstream.request()).sse(), "I will tell you ");
    await listener.until(() => listener.texts("r1").length === 1);
    expect(await listener.request("chat.abort", { sessionKey: "main", runId: "r1" })).toMatchObject({ aborted: true });
    expect((await listener.ended("r1")).state).toBe("aborted");
    await exchange.closed;
  });

  test("reads the history after a restart of the gateway", async () => {
    await using upstream = await startScriptedUpstream();
    const config = { defaultModel: "gpt", data: { store: "sqlite", directory: newDirectory() } };
    const first = await withToken(upstream.url, config);
    const before = await Listener.connect(first.url);
    await send(before, "r1", "remember this");
    finish(piece((await upstream.request()).sse(), "I do."));
    await before.ended("r1");
    before.client.stop();
    await first.close();

    await using second = await withToken(upstream.url, config);
    const after = await Listener.connect(second.url);
    expect(await after.request("chat.history", { sessionKey: "main", limit: 10 })).toMatchObject({
      messages: [
        { role: "user", content: "remember this" },
        { role: "assistant", content: [{ text: "I do." }] },
      ],
    });
    expect(await send(after, "r1", "remember this")).toMatchObject({ status: "ok" });
    expect(upstream.requests).toBe(1);
  });

  test("learns why a wrong token is refused", async () => {
    await using gateway = await withToken("http://127.0.0.1:1");
    const error = await new Promise<Error>((resolve) => {
      const client = new GatewayClient({
        url: gateway.url.replace(/^http/, "ws"),
        token: "wrong",
        onConnectError: resolve,
        onHelloOk: () => resolve(new Error("let in")),
      });
      open.push(() => client.stop());
      client.start();
    });
    expect(error.message).toContain("gateway token mismatch");
  });
});

describe("openclaw-node, by another author", () => {
  /** By default a new device, so that it has no token from another gateway. */
  const connect = async (url: string, token = TOKEN, identity = newDirectory()): Promise<NodeClient> => {
    const client = new NodeClient({
      url: url.replace(/^http/, "ws"),
      token,
      autoReconnect: false,
      deviceIdentityPath: join(identity, "device.json"),
    });
    // Its socket ends with the gateway in some tests; without a listener that would end the process.
    client.on("error", () => {});
    await client.connect();
    open.push(() => void client.disconnect());
    return client;
  };

  const worded = (chunk: ChatChunk): string => ("text" in chunk ? `${chunk.type} ${chunk.text}` : chunk.type);

  test("chats through the method agent", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await withToken(upstream.url, { defaultModel: "gpt" });
    const client = await connect(gateway.url);
    const chunks: string[] = [];
    upstream.respondWith((exchange) => finish(piece(piece(exchange.sse(), "Good "), "evening")));
    for await (const chunk of client.chat("hello")) chunks.push(worded(chunk));
    expect(chunks).toEqual(["agent_start ", "text Good ", "text evening", "agent_end ", "done "]);
  });

  test("stops a run and reads the history", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await withToken(upstream.url, { defaultModel: "gpt" });
    const client = await connect(gateway.url);
    const heard = client.chat("hello", { sessionKey: "main" });
    const exchanged = upstream.request();
    const started = heard.next();
    const exchange = piece((await exchanged).sse(), "One moment");
    expect((await started).value).toMatchObject({ type: "agent_start" });
    expect((await heard.next()).value).toMatchObject({ type: "text", text: "One moment" });
    expect(await client.chatAbort("main")).toMatchObject({ ok: true, aborted: true });
    await exchange.closed;
    expect(await client.sessions.history("main")).toMatchObject({
      messages: [{ role: "user" }, { role: "assistant", content: [{ text: "One moment" }] }],
    });
    expect(await client.health()).toMatchObject({ ok: true });
    expect(await client.agents.list()).toMatchObject({ defaultId: "main" });
  });

  test("signs in with the device token it was given, also at the gateway's next start, until the shared token changes", async () => {
    await using upstream = await startScriptedUpstream();
    const identity = newDirectory();
    const data = { store: "sqlite", directory: newDirectory() };
    const start = (token: string) =>
      startTestGateway({ upstream: upstream.url, config: { data, auth: { token }, defaultModel: "gpt" } });
    {
      await using gateway = await start(TOKEN);
      await (await connect(gateway.url, TOKEN, identity)).disconnect();
    }
    {
      await using gateway = await start(TOKEN);
      const client = await connect(gateway.url, "not the shared token", identity);
      expect(await client.health()).toMatchObject({ ok: true });
      await client.disconnect();
    }
    await using gateway = await start("another-shared-token");
    await expect(connect(gateway.url, TOKEN, identity)).rejects.toThrow("closed before handshake");
  });

  test("gets the error of a failed run", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await withToken(upstream.url, { defaultModel: "gpt" });
    const client = await connect(gateway.url);
    upstream.respondWith((exchange) => void exchange.json(400, { error: { message: "no such model", type: "bad" } }));
    const chunks: string[] = [];
    for await (const chunk of client.chat("hello")) chunks.push(worded(chunk));
    expect(chunks.filter((chunk) => chunk.startsWith("error"))).toEqual([expect.stringContaining("no such model")]);
  });
});
