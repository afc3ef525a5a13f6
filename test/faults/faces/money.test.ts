/** What an answer costs under a cap is reserved when it is asked for and settled when it is over, on every path. */
import { describe, expect, test } from "@jest/globals";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { MAX_OUTPUT_TOKENS, SOCKET_FACES, type SocketFace, USAGE } from "../../support/gateways/socket-faces.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import type { ScriptedExchange } from "../../support/upstreams/scripted-upstream.ts";
import { setUp } from "./set-up.ts";

const directory = temporaryDirectories();

const CAP = 5_000;
/** More than a cap has left: the gateway lowers it to what is left. */
const PROBE = { model: "gpt", max_tokens: 1_000_000, messages: [{ role: "user", content: "Hello" }] };

/** A gateway with one key, which has a cap, and a client of the face. */
async function setUpCapped(face: SocketFace, tokensPerDay = CAP) {
  const path = directory();
  const secret = freshSecret();
  const database = new KeyDatabase(path);
  database.add(keyFor("alice", secret, { caps: { tokensPerDay } }));
  database.close();
  const config = (baseUrl: string) => ({
    data: { store: "sqlite", directory: path },
    limits: { graceMs: 50 },
    routes: {
      chat: { dialect: "openai-chat", baseUrl: `${baseUrl}/v1` },
      responses: { dialect: "openai-responses", baseUrl: `${baseUrl}/v1` },
      nowhere: { dialect: face.dialect, baseUrl: "http://127.0.0.1:1" },
    },
    models: Object.fromEntries(
      ["chat", "responses", "nowhere"].map((route) => [route === "chat" ? "gpt" : route, { route, model: "m" }]),
    ),
  });
  const up = await setUp(face, config, secret);
  /** What the cap has left for an answer, from the limit that a request is sent with. Costs nothing itself. */
  const left = async () => {
    const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
    const asking = fetch(`${up.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify(PROBE),
    });
    const exchange = await up.upstream.request();
    exchange.json(400, { error: { message: "no" } });
    await (await asking).text();
    return Number(JSON.parse(exchange.body).max_tokens);
  };
  return Object.assign(up, { left });
}

type Up = Awaited<ReturnType<typeof setUpCapped>>;

interface Path {
  readonly how: string;
  run(up: Up, face: SocketFace): Promise<void>;
  /** How its row ends, and whether it costs what the provider reports, nothing, or an estimate above nothing. */
  readonly status: "completed" | "failed" | "cancelled";
  readonly costs: "exact" | "nothing" | "estimate";
}

/** Asks, lets the provider say something, and waits until the client has it. */
async function begun(up: Up, face: SocketFace): Promise<ScriptedExchange> {
  up.client.ask("a");
  const exchange = face.say(face.begin(await up.upstream.request()), "Hi there");
  await up.client.until(() => up.client.said("a") !== "");
  return exchange;
}

const PATHS: readonly Path[] = [
  {
    how: "that completes",
    status: "completed",
    costs: "exact",
    async run(up, face) {
      face.finish(await begun(up, face));
      await up.client.end("a");
    },
  },
  {
    how: "whose provider reports no usage",
    status: "completed",
    costs: "estimate",
    async run(up, face) {
      face.finish(await begun(up, face), false);
      await up.client.end("a");
    },
  },
  {
    how: "that its client stops",
    status: "cancelled",
    costs: "estimate",
    async run(up, face) {
      const exchange = await begun(up, face);
      up.client.send(face.stop("a"));
      await exchange.closed;
    },
  },
  {
    how: "whose client is gone for good",
    status: "cancelled",
    costs: "estimate",
    async run(up, face) {
      const exchange = await begun(up, face);
      up.client.ws.terminate();
      await exchange.closed;
    },
  },
  {
    how: "that the provider cuts",
    status: "failed",
    costs: "estimate",
    async run(up, face) {
      (await begun(up, face)).reset();
      await up.client.end("a");
    },
  },
  {
    how: "that the provider refuses",
    status: "failed",
    costs: "nothing",
    async run(up) {
      up.client.ask("a");
      (await up.upstream.request()).json(400, { error: { message: "no" } });
      await up.client.end("a");
    },
  },
  {
    how: "that reaches no provider",
    status: "failed",
    costs: "nothing",
    async run(up) {
      up.client.ask("a", up.client.face.naming("nowhere"));
      await up.client.end("a");
    },
  },
];

describe.each(SOCKET_FACES)("%s: an answer", (_, face) => {
  test.each(PATHS.map((path) => [path.how, path] as const))(
    "%s settles to its row in the ledger",
    async (_how, path) => {
      await using up = await setUpCapped(face);
      const before = await up.left();
      await path.run(up, face);
      const line = await up.line(2);
      expect(line).toMatchObject({ face: face.name, caller: "alice", status: path.status });
      const usage = line?.usage as {
        readonly source: string;
        readonly inputTokens: number;
        readonly outputTokens: number;
      };
      const counted = usage.inputTokens + usage.outputTokens;
      if (path.costs === "exact") expect(usage).toMatchObject({ source: "exact", ...USAGE });
      else if (path.costs === "nothing") expect(counted).toBe(0);
      else expect([usage.source, usage.inputTokens > 0, usage.outputTokens > 0]).toEqual(["estimated", true, true]);
      expect(before - (await up.left())).toBe(counted);
    },
  );

  test("reserves its prompt and its longest answer while it runs", async () => {
    await using up = await setUpCapped(face);
    const before = await up.left();
    const exchange = await begun(up, face);
    const reserved = before - (await up.left());
    expect(reserved).toBeGreaterThan(MAX_OUTPUT_TOKENS);
    face.finish(exchange);
    await up.client.end("a");
    expect(before - (await up.left())).toBe(USAGE.inputTokens + USAGE.outputTokens);
  });

  test("and the one after its tool are two calls, and cost both", async () => {
    await using up = await setUpCapped(face);
    const before = await up.left();
    up.client.ask("a");
    face.call(face.begin(await up.upstream.request()));
    expect(await up.client.end("a")).toMatchObject({ as: "completed" });
    up.client.send(face.result("b", "a"));
    face.finish(face.begin(await up.upstream.request()));
    expect(await up.client.end("b")).toMatchObject({ as: "completed" });
    expect(before - (await up.left())).toBe(2 * (USAGE.inputTokens + USAGE.outputTokens));
    // The probes' calls besides.
    expect(up.upstream.requests).toBe(2 + 2);
  });

  test("that reaches the cap midway ends with what came, and its upstream is closed (C18)", async () => {
    await using up = await setUpCapped(face, 200);
    up.client.ask("a");
    const exchange = face.begin(await up.upstream.request());
    face.say(exchange, "many words ".repeat(200));
    // A response ends as at the provider's own limit; the chat says why.
    const why =
      face.name === "ai-sdk" ? { as: "failed", message: expect.stringContaining("tokens per day") } : { as: "cut" };
    expect(await up.client.end("a")).toMatchObject(why);
    await exchange.closed;
    expect(await up.line()).toMatchObject({ status: "failed", code: "cap_exceeded" });
    expect(up.client.said("a")).toContain("many words");
  });

  test("that is refused at the cap is never asked of the provider", async () => {
    await using up = await setUpCapped(face, 10);
    up.client.ask("a");
    expect(await up.client.end("a")).toMatchObject({ as: "refused", message: expect.stringMatching(/alice/i) });
    expect([up.upstream.requests, up.lines()]).toEqual([0, []]);
  });
});
