import { describe, expect, test } from "@jest/globals";
import { CHAT, chunk, FINISH, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

describe("a stream over a vendor's API", () => {
  test("consists of the provider's events, names and bytes unchanged", async () => {
    await using up = await setUp();
    const asking = up.stream(MESSAGES);
    const exchange = await up.upstream.request();
    expect(exchange.path).toBe("/v1/messages");
    expect(JSON.parse(exchange.body)).toEqual({ ...MESSAGES.body, model: "claude-test" });
    const events = 'event: message_start\ndata: {"type":"message_start",  "n":1.50e1}\n\n: a comment of theirs\n\n';
    const last =
      'event: ping\ndata: {"type":"ping","text":"Grüße 🙂"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n';
    exchange
      .sse()
      .chunk(events + last)
      .end();
    const client = await asking;
    expect(client.status).toBe(200);
    expect(await client.closed).toBe(true);
    expect(client.text).toBe(events.replace(": a comment of theirs\n\n", "") + last);
  });

  test("has headers that keep proxies from buffering, and the stream's id", async () => {
    await using up = await setUp();
    const asking = up.stream(CHAT);
    (await up.upstream.request()).sse().event(chunk("a")).event(FINISH).event("[DONE]").end();
    const client = await asking;
    expect(client.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
      "cache-control": expect.stringContaining("no-cache"),
      "x-request-id": expect.stringMatching(/^c_/),
      "x-sluice-stream": expect.stringMatching(/^s_/),
    });
    expect((await client.all()).map(({ data }) => data)).toEqual([
      JSON.stringify(chunk("a")),
      JSON.stringify(FINISH),
      "[DONE]",
    ]);
    expect(up.streamLine()).toMatchObject({
      face: "chat-completions",
      stream: client.headers["x-sluice-stream"],
      connection: client.headers["x-request-id"],
      status: "completed",
      usage: { source: "exact", inputTokens: 3, outputTokens: 2 },
    });
  });

  test("delivers each event before the next one arrives", async () => {
    await using up = await setUp();
    const asking = up.stream(CHAT);
    const exchange = (await up.upstream.request()).sse();
    exchange.event(chunk("0"));
    const client = await asking;
    for (let n = 0; n < 20; n++) {
      expect((await client.take()).data).toBe(JSON.stringify(chunk(`${n}`)));
      exchange.event(chunk(`${n + 1}`));
    }
  });

  test("delivers the events of one upstream chunk in one chunk", async () => {
    await using up = await setUp();
    const pieces: string[] = [];
    const response = fetch(up.gateway.url + CHAT.path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(CHAT.body),
    });
    const block = (n: number) => `data: ${JSON.stringify(chunk(`${n}`))}\n\n`;
    const exchange = await up.upstream.request();
    exchange.sse().chunk(block(1) + block(2) + block(3));
    const reader = (await response).body?.getReader();
    pieces.push(Buffer.from((await reader?.read())?.value ?? []).toString());
    exchange.chunk(block(4) + block(5));
    pieces.push(Buffer.from((await reader?.read())?.value ?? []).toString());
    expect(pieces).toEqual([block(1) + block(2) + block(3), block(4) + block(5)]);
  });

  test("can be opened with route:model, the model being the provider's own name", async () => {
    await using up = await setUp();
    const asking = up.stream({ ...CHAT, body: { ...CHAT.body, model: "chat:org/some-model:free" } });
    const exchange = await up.upstream.request();
    expect(JSON.parse(exchange.body).model).toBe("org/some-model:free");
    exchange.sse().event(FINISH).end();
    expect((await asking).status).toBe(200);
  });

  test("forwards the vendor's switch headers, and no other header of the client", async () => {
    await using up = await setUp();
    const switches = { "anthropic-version": "2024-01-01", "anthropic-beta": "one,two" };
    const asking = up.stream(MESSAGES, { ...switches, "x-api-key": "mine", cookie: "a=b", "openai-beta": "x" });
    const exchange = await up.upstream.request();
    expect(exchange.headers).toMatchObject({ ...switches, "x-api-key": "sk-test-key-of-the-route" });
    expect(exchange.headers.cookie).toBeUndefined();
    expect(exchange.headers["openai-beta"]).toBeUndefined();
    exchange.sse().event({ type: "message_stop" }, "message_stop").end();
    await asking;
  });
});

describe("a silent provider", () => {
  test("is bridged by comments, before the first event and later", async () => {
    await using up = await setUp({ limits: { requests: { apiSilenceMs: 20 } } });
    const asking = up.stream(RESPONSES);
    const exchange = await up.upstream.request();
    const client = await asking;
    expect(client.status).toBe(200);
    await client.comments(2);
    exchange.sse().event({ type: "response.created", response: {} }, "response.created");
    await client.take();
    const before = client.text.match(/^:/gm)?.length ?? 0;
    await client.comments(before + 1);
    exchange.event({ type: "response.completed", response: {} }, "response.completed").end();
    expect((await client.all()).map(({ event }) => event)).toEqual(["response.completed"]);
    expect(client.text.replaceAll(": keep-alive\n\n", "")).not.toContain(":\n");
  });
});

describe("a client that leaves", () => {
  test("has its upstream call cancelled", async () => {
    await using up = await setUp();
    const asking = up.stream(CHAT);
    const exchange = (await up.upstream.request()).sse();
    exchange.event(chunk("a"));
    (await asking).cut();
    await exchange.closed;
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ status: "cancelled", code: "client_gone" });
  });

  test("has it cancelled before the response's head, too", async () => {
    await using up = await setUp();
    const leaving = new AbortController();
    const asking = fetch(up.gateway.url + CHAT.path, {
      method: "POST",
      signal: leaving.signal,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...CHAT.body, stream: false }),
    });
    const exchange = await up.upstream.request();
    leaving.abort();
    await expect(asking).rejects.toThrow();
    await exchange.closed;
  });
});
