/** What clients and operators do while a model's targets are being tried. */
import { describe, expect, test } from "@jest/globals";
import { SseClient } from "../../support/clients/sse-client.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { startSluice } from "../../support/gateways/sluice-process.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";
import { addKey, answer, chunk, configOf, HEAD, refuse, rowsOf } from "../../support/upstreams/several-targets.ts";

const directory = temporaryDirectories();

const PROMPT = { messages: [{ role: "user", content: "word ".repeat(400) }] };
const OPEN = { type: "open", model: "smart", body: PROMPT };

/** A gateway with two targets, and a client of its stream face. */
async function setUp(more: Readonly<Record<string, unknown>> = {}, model: object = {}) {
  const stack = new AsyncDisposableStack();
  const first = stack.use(await startScriptedUpstream());
  const second = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ config: { ...configOf([first, second], { model }), ...more } }));
  const client = stack.use(await (await StreamClient.connect(gateway.url)).hello());
  const opened = async (id: string, open: object = {}) => {
    client.send({ ...OPEN, ...open, id });
    const frame = await client.take((one) => one.type === "opened" && one.id === id);
    return frame.type === "opened" ? frame : undefined;
  };
  return { gateway, client, first, second, opened, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** An attempt that has sent the head of its answer, and nothing else. */
const begun = async (upstream: ScriptedUpstream): Promise<ScriptedExchange> =>
  (await upstream.request()).sse().event(HEAD);

describe("a unary request", () => {
  const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };
  const said = [{ index: 0, message: { role: "assistant", content: "good" }, finish_reason: "stop" }];
  const CHAT = { id: "c1", object: "chat.completion", model: "m1", choices: said, usage };
  const text = [{ type: "text", text: "good" }];
  const MESSAGE = {
    ...{ id: "msg_1", type: "message", role: "assistant", model: "m1", content: text, stop_reason: "end_turn" },
    usage: { input_tokens: 12, output_tokens: 5 },
  };
  const RESPONSE = {
    ...{ id: "resp_1", object: "response", status: "completed", model: "m1" },
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "good" }] }],
    usage: { input_tokens: 12, output_tokens: 5, total_tokens: 17 },
  };
  const asked = [{ role: "user", content: "Hi" }];
  const APIS = [
    ["openai-chat", "/v1/chat/completions", { messages: asked }, CHAT],
    ["anthropic-messages", "/v1/messages", { messages: asked, max_tokens: 9 }, MESSAGE],
    ["openai-responses", "/v1/responses", { input: "Hi" }, RESPONSE],
  ] as const;

  const post = (url: string, path: string, body: object) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "smart", ...body }),
    });

  const FAILURES: readonly (readonly [string, (exchange: ScriptedExchange) => void])[] = [
    ["refuses", refuse],
    ["answers half", (exchange) => exchange.head(200, { "content-length": "100" }).write('{"id":').reset()],
    ["answers nothing", (exchange) => void exchange.head(200, { "content-length": "0" })],
  ];

  test.each(APIS.flatMap((api) => FAILURES.map(([name, fails]) => [api[0], name, api, fails] as const)))(
    "of %s is answered whole by the second target when the first %s",
    async (dialect, _, [, path, body, whole], fails) => {
      await using first = await startScriptedUpstream();
      await using second = await startScriptedUpstream();
      first.respondWith(fails);
      second.respondWith((exchange) => void exchange.json(200, whole));
      await using gateway = await startTestGateway({ config: configOf([first, second], { dialect }) });
      const response = await post(gateway.url, path, body);
      expect([response.status, await response.json()]).toEqual([200, whole]);
      expect([first.requests, second.requests]).toEqual([1, 1]);
      const line = gateway.log.lines.find(({ event }) => event === "stream");
      expect(line).toMatchObject({ route: "r1", attempt: 2, usage: { source: "exact" } });
    },
  );

  test("has no first token: firstTokenMs leaves it to its target", async () => {
    await using up = await setUp({}, { firstTokenMs: 1_000 });
    const response = post(up.gateway.url, "/v1/chat/completions", { messages: asked });
    const exchange = await up.first.request();
    // A stream that began later has been looked at.
    await up.opened("later");
    await up.first.request();
    answer(await up.second.request());
    await up.client.rest("later");
    exchange.json(200, CHAT);
    expect(await (await response).json()).toEqual(CHAT);
    expect(up.second.requests).toBe(1);
  });
});

describe("a reader that comes while an attempt has sent its head alone", () => {
  const REST = /"from the good one"/;

  test("of the stream face gets the answer of the next target, and nothing of that head", async () => {
    await using up = await setUp();
    const opened = await up.opened("a");
    const exchange = await begun(up.first);
    using other = await (await StreamClient.connect(up.gateway.url)).hello();
    other.send({ type: "resume", id: "b", stream: opened?.stream, epoch: 1, after: 0 });
    await other.take(({ type }) => type === "resumed");
    exchange.reset();
    answer(await up.second.request());
    const { events, end } = await other.rest("b");
    expect(end).toMatchObject({ status: "completed", target: { attempt: 2, route: "r1" } });
    expect(JSON.stringify(events)).toMatch(REST);
    expect(JSON.stringify(events)).not.toContain('"c0"');
    expect(events[0]?.seq).toBe(1);
  });

  test("over SSE and long polls too", async () => {
    await using up = await setUp();
    const opened = await up.opened("a");
    const exchange = await begun(up.first);
    const events = `${up.gateway.url}/v1/streams/${opened?.stream}/events`;
    // Waits until nothing has come for this long: there is nothing yet.
    const early = await (await fetch(`${events}?wait=1`)).text();
    const sse = await SseClient.open(events);
    exchange.reset();
    answer(await up.second.request());
    expect(await sse.closed).toBe(true);
    const late = await (await fetch(`${events}?wait=1&after=0`)).text();
    expect(early).not.toContain('"c0"');
    for (const text of [sse.text, late]) {
      expect(text).toMatch(REST);
      expect(text).not.toContain('"c0"');
    }
  });
});

describe("an open that is repeated with its idempotency key", () => {
  test("joins the attempts that run, and finds the answer afterwards", async () => {
    await using up = await setUp();
    const key = { idempotencyKey: "once" };
    const opened = await up.opened("a", key);
    const exchange = await begun(up.first);
    using other = await (await StreamClient.connect(up.gateway.url)).hello();
    other.send({ ...OPEN, ...key, id: "b" });
    expect(await other.take(({ type }) => type === "opened")).toMatchObject({ attached: true, stream: opened?.stream });
    exchange.reset();
    answer(await up.second.request());
    expect((await other.rest("b")).end).toMatchObject({ status: "completed", target: { attempt: 2 } });
    const again = await other.run("c", { model: "smart", body: PROMPT, ...key });
    expect(again.end).toMatchObject({ status: "completed", target: { attempt: 2, route: "r1" } });
    expect([up.first.requests, up.second.requests]).toEqual([1, 1]);
  });
});

describe("a cancel", () => {
  test.each([
    ["before its first attempt is answered", 1],
    ["after the first has been left", 2],
  ])("%s ends the stream there: no other target is asked", async (_, attempts) => {
    const path = directory();
    {
      await using up = await setUp({ data: { directory: path } });
      await up.opened("a");
      let exchange = await begun(up.first);
      if (attempts === 2) {
        exchange.reset();
        exchange = await begun(up.second);
      }
      up.client.send({ type: "cancel", id: "a" });
      const { events, end } = await up.client.rest("a");
      expect(end).toMatchObject({ status: "cancelled", target: { attempt: attempts } });
      // What the provider has begun is shown at the end, as with one target.
      expect(events.length).toBeLessThanOrEqual(1);
      await exchange.closed;
      expect(up.first.requests + up.second.requests).toBe(attempts);
    }
    const rows = rowsOf(path);
    expect(rows.map(({ is_left, outcome }) => [is_left, outcome])).toEqual(
      attempts === 1
        ? [[0, "cancelled"]]
        : [
            [1, "failed"],
            [0, "cancelled"],
          ],
    );
    // Each attempt was sent, so each is billed its prompt.
    for (const { source, input_tokens } of rows) {
      expect(source).toBe("estimated");
      expect(Number(input_tokens)).toBeGreaterThan(400);
    }
  });

  test("by a client of the HTTP API that leaves in the middle of an attempt asks no other target", async () => {
    await using up = await setUp();
    const leaving = new AbortController();
    const asking = fetch(`${up.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "smart", stream: true, ...PROMPT }),
      signal: leaving.signal,
    });
    const exchange = await begun(up.first);
    leaving.abort();
    await expect(asking).rejects.toThrow();
    await exchange.closed;
    // A later request finds the target as good as before: nobody has failed.
    await up.opened("next");
    answer(await up.first.request());
    expect((await up.client.rest("next")).end).toMatchObject({ status: "completed", target: { attempt: 1 } });
    expect(up.second.requests).toBe(0);
  });
});

describe("a gateway that stops", () => {
  test("lets a stream whose target fails meanwhile go on to the next one", async () => {
    await using up = await setUp({ limits: { drainMs: 300_000 } });
    await up.opened("a");
    const exchange = await begun(up.first);
    const closing = up.gateway.close("SIGINT");
    await up.client.take(({ type }) => type === "going_away");
    exchange.reset();
    answer(await up.second.request());
    const { end } = await up.client.rest("a");
    expect(end).toMatchObject({ status: "completed", target: { attempt: 2, route: "r1" } });
    await closing;
  });

  test("ends one whose targets are silent, and records both attempts", async () => {
    const path = directory();
    await using up = await setUp({ data: { directory: path }, limits: { drainMs: 1 } });
    await up.opened("a");
    (await begun(up.first)).reset();
    await begun(up.second);
    const closing = up.gateway.close("SIGINT");
    const { end } = await up.client.rest("a");
    expect(end).toMatchObject({ status: "failed", error: { code: "shutting_down" }, target: { attempt: 2 } });
    await closing;
    expect(rowsOf(path)).toMatchObject([
      { is_left: 1, attempt: 1, code: "upstream_reset" },
      { is_left: 0, attempt: 2, code: "shutting_down", source: "estimated" },
    ]);
  });

  test("killed between an attempt that was left and its answer finds both in the ledger, billed as they were", async () => {
    const path = directory();
    const secret = freshSecret();
    addKey(path, keyFor("ci", secret, { caps: { tokensPerDay: 1_400 } }));
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    const config = {
      ...configOf([first, second]),
      auth: { required: true },
      data: { directory: path },
      log: { pretty: false },
      // Each attempt's row is on disk before the attempt is sent.
      ledger: { mode: "strict" },
    };
    {
      await using gateway = await startSluice(config);
      using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
      client.send({ ...OPEN, id: "a" });
      (await first.request()).sse().event(HEAD).reset();
      (await second.request()).sse().event(chunk({ content: "half" }));
      await client.take((frame) => frame.type === "event");
      gateway.kill("SIGKILL");
      await gateway.exit;
    }
    await using gateway = await startSluice(config);
    using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    // Two prompts of about 500 tokens have been paid for, so that a third does not fit.
    await expect(client.run("b", { model: "smart", body: PROMPT })).rejects.toThrow("cap_exceeded");
    const rows = rowsOf(path);
    expect(rows).toMatchObject([
      { attempt: 1, is_left: 1, outcome: "failed", source: "estimated" },
      { attempt: 2, is_left: 0, outcome: "lost" },
    ]);
    for (const { counted_tokens, input_tokens } of rows) {
      expect(Number(input_tokens ?? counted_tokens)).toBeGreaterThan(400);
    }
  });
});
