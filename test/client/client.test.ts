/** The client against the real gateway. */
import { describe, expect, test } from "@jest/globals";
import { connect, type Sluice, type SluiceError, type StreamEvent, textOf } from "../../src/client/index.ts";
import type { SavedStream } from "../../src/client/reading.ts";
import { startCuttingProxy } from "../support/network/cutting-proxy.ts";
import { answer, CHAT, chunk, numbers, PACKAGE_SOCKET, seqsOf, startStage } from "./set-up.ts";

const codeOf = (failed: Promise<unknown>): Promise<string> =>
  failed.then(
    () => "none",
    (error: SluiceError) => error.code,
  );

describe("a stream", () => {
  test("delivers every event in order, with the dialect's data and its text, and then its end", async () => {
    await using stage = await startStage();
    stage.upstream.respondWith((exchange) => answer(exchange, 3));
    const stream = stage.sluice.open(CHAT);
    const events: StreamEvent<unknown>[] = [];
    for await (const event of stream) {
      events.push(event);
      // Typed by the dialect.
      const { data } = event;
      expect(data === "[DONE]" ? "" : (data.choices[0]?.delta.content ?? "")).toBe(event.text);
    }
    expect(events.map(({ seq, text }) => [seq, text])).toEqual([
      [1, "1 "],
      [2, "2 "],
      [3, "3 "],
      [4, ""],
      [5, ""],
    ]);
    expect(events.at(-1)).toMatchObject({ data: "[DONE]", raw: true });
    expect(await stream.end).toMatchObject({
      status: "completed",
      finish: "stop",
      lastSeq: 5,
      usage: { source: "estimated" },
    });
    expect(stream.state).toBe("over");
  });

  test("gives its whole text", async () => {
    await using stage = await startStage({ WebSocket: PACKAGE_SOCKET });
    stage.upstream.respondWith((exchange) => answer(exchange, 500));
    expect(await stage.sluice.open(CHAT).text()).toBe(numbers(500));
  });

  test("that fails delivers what came, and the loop throws the gateway's error", async () => {
    await using stage = await startStage();
    stage.upstream.respondWith((exchange) => exchange.sse().event(chunk("a")).finish());
    const stream = stage.sluice.open({ ...CHAT, retry: false });
    const texts: string[] = [];
    const loop = async () => {
      for await (const { text } of stream) texts.push(text);
    };
    expect(await codeOf(loop())).toBe("upstream_truncated");
    expect(texts).toEqual(["a"]);
    expect(await stream.end).toMatchObject({
      status: "failed",
      error: { code: "upstream_truncated", retryable: true },
    });
  });

  test("that is refused rejects with the code, and others go on", async () => {
    await using stage = await startStage();
    stage.upstream.respondWith((exchange) => answer(exchange, 2));
    const refused = stage.sluice.open({ ...CHAT, model: "nope" });
    const other = stage.sluice.open(CHAT);
    expect(await codeOf(refused.text())).toBe("unknown_model");
    expect(await codeOf(refused.end)).toBe("unknown_model");
    expect(await other.text()).toBe("1 2 ");
  });

  test("that is cancelled ends the loop and closes the provider's connection; its end says so", async () => {
    await using stage = await startStage();
    const stream = stage.sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse().event(chunk("a"));
    for await (const { text } of stream) {
      expect(text).toBe("a");
      stream.cancel();
    }
    await call.closed;
    expect(await stream.end).toMatchObject({ status: "cancelled" });
  });

  test("whose loop is left is cancelled", async () => {
    await using stage = await startStage();
    const stream = stage.sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse().event(chunk("a"));
    for await (const _ of stream) break;
    await call.closed;
    expect(await stream.end).toMatchObject({ status: "cancelled" });
  });

  test("whose signal aborts is cancelled, and the loop throws the signal's reason", async () => {
    await using stage = await startStage();
    const abort = new AbortController();
    const stream = stage.sluice.open({ ...CHAT, signal: abort.signal });
    const call = (await stage.upstream.request()).sse();
    const text = stream.text();
    abort.abort(new Error("enough"));
    await expect(text).rejects.toThrow("enough");
    await call.closed;
    expect(await codeOf(stage.sluice.open({ ...CHAT, signal: abort.signal }).end)).toBe("cancelled");
  });

  test.each([1, 2])(
    "whose loop is left with `detach` goes on, and is read on elsewhere: %d on the socket",
    async (streams) => {
      await using stage = await startStage();
      const others = Array.from({ length: streams - 1 }, () => stage.sluice.open(CHAT));
      const otherCalls = await Promise.all(others.map(() => stage.upstream.request()));
      const stream = stage.sluice.open({ ...CHAT, leave: "detach" });
      const call = (await stage.upstream.request()).sse().event(chunk("a"));
      for await (const _ of stream) break;
      expect(await codeOf(stream.end)).toBe("client_gone");
      call.event(chunk("b")).finishChat();
      const again = stage.sluice.restore(stream.save());
      expect(await again.text()).toBe("b");
      for (const other of otherCalls) answer(other, 2);
      for (const other of others) expect(await other.text()).toBe("1 2 ");
      expect(stage.upstream.requests).toBe(streams);
    },
  );

  test.each([1, 2])(
    "whose loop is left with `detach` is the gateway's at once, as `away` says: %d on the socket",
    async (streams) => {
      await using stage = await startStage();
      const other = streams > 1 ? stage.sluice.open(CHAT) : undefined;
      const otherCall = other && (await stage.upstream.request());
      const stream = stage.sluice.open({ ...CHAT, leave: "detach", away: "cancel" });
      const call = (await stage.upstream.request()).sse().event(chunk("a"));
      for await (const _ of stream) break;
      // Nobody reads it.
      await call.closed;
      if (otherCall) answer(otherCall, 2);
      expect(await other?.text()).toBe(other && "1 2 ");
    },
  );
});

describe("a page that is reloaded", () => {
  test("reads its streams on where they were, those that were not answered yet, too", async () => {
    await using stage = await startStage({ upstreamKey: "sk-own" });
    const stream = stage.sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse().event(chunk("a")).event(chunk("b"));
    const loop = stream[Symbol.asyncIterator]();
    await loop.next();
    await loop.next();
    const unanswered = stage.sluice.open(CHAT);
    const saved: SavedStream[] = JSON.parse(JSON.stringify(stage.sluice.save()));
    expect(JSON.stringify(saved)).not.toContain("sk-own");
    expect(saved).toMatchObject([
      { after: 1, stream: expect.any(String), epoch: 1 },
      { after: 0, open: { model: "gpt" } },
    ]);
    stage.sluice.close();
    expect(await codeOf(unanswered.end)).toBe("client_gone");

    await using next = await startStage({ upstreamKey: "sk-own" }, async () => stage.gateway.url);
    const [first, second] = saved.map((one) => next.sluice.restore(one));
    call.event(chunk("c")).finishChat();
    expect(await first?.text()).toBe("bc");
    answer(await stage.upstream.request(), 2);
    expect(await second?.text()).toBe("1 2 ");
    expect(stage.upstream.requests).toBe(2);
  });
});

describe("credentials", () => {
  const config = { auth: { token: "the-token-of-this-test" } };

  const headers = { authorization: `Bearer ${config.auth.token}` };
  const ticketOf = async (url: string): Promise<string> => {
    const response = await fetch(`${url}/v1/ticket`, { method: "POST", headers });
    return ((await response.json()) as { readonly ticket: string }).ticket;
  };

  test("a token connects, also one from a function", async () => {
    await using stage = await startStage({ config, token: async () => config.auth.token });
    stage.upstream.respondWith((exchange) => answer(exchange, 1));
    expect(await seqsOf(stage.sluice.open(CHAT))).toEqual([1, 2, 3]);
  });

  test("a wrong one is told at once as unauthorized, though a WebSocket that was not accepted says nothing", async () => {
    await using stage = await startStage({ config, token: "wrong" });
    expect(await codeOf(stage.sluice.open(CHAT).text())).toBe("unauthorized");
    expect(stage.sluice.state).toBe("idle");
  });

  test("a function gets a ticket for each connection; a single ticket is good for one", async () => {
    await using stage = await startStage({ config });
    await using proxy = await startCuttingProxy(stage.gateway.url);
    stage.upstream.respondWith((exchange) => answer(exchange, 1));
    const single = connect({ url: proxy.url, ticket: await ticketOf(stage.gateway.url) });
    const many = connect({ url: proxy.url, ticket: () => ticketOf(stage.gateway.url) });
    const lost = (sluice: Sluice) => new Promise((resolve) => sluice.subscribe(resolve));
    for (const sluice of [single, many]) expect(await sluice.open(CHAT).text()).toBe("1 ");
    const both = Promise.all([lost(single), lost(many)]);
    proxy.cut();
    await both;
    expect(await many.open(CHAT).text()).toBe("1 ");
    expect(await codeOf(single.open(CHAT).text())).toBe("unauthorized");
    for (const sluice of [single, many]) sluice.close();
  });
});

test("text is found in each dialect", () => {
  expect(textOf({ type: "content_block_delta", delta: { type: "text_delta", text: "a" } })).toBe("a");
  expect(textOf({ type: "content_block_delta", delta: { type: "thinking_delta", thinking: "a" } })).toBe("");
  expect(textOf({ choices: [{ delta: { content: "a" } }] })).toBe("a");
  expect(textOf({ choices: [] })).toBe("");
  expect(textOf({ type: "response.output_text.delta", delta: "a" })).toBe("a");
  const parts = [{ text: "no", thought: true }, { text: "a" }, { functionCall: { name: "f" } }];
  expect(textOf({ candidates: [{ content: { parts } }] })).toBe("a");
  for (const odd of [5, [], [{}], [{ content: { parts: [null] } }]]) expect(textOf({ candidates: odd })).toBe("");
  for (const other of [null, "[DONE]", 1, {}, [], { type: "response.output_text.delta" }])
    expect(textOf(other)).toBe("");
});
