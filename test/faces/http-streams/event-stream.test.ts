import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { chunk, DONE, setUp } from "./set-up.ts";

describe("an event stream", () => {
  test("delivers each event as it arrives, with its position, name and data", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open();
    const reader = await up.read(stream);
    upstream.sse().event('{ "a" : 1.0,\t"b":"\\u00e9" }', "content_block_delta");
    await reader.take();
    expect(reader.text).toBe('id: 1-1\nevent: content_block_delta\ndata: { "a" : 1.0,\t"b":"\\u00e9" }\n\n');
    upstream.event("[DONE]");
    await reader.take();
    expect(reader.text).toMatch(/\n\nid: 1-2\ndata: \[DONE\]\n\n$/);
    upstream.end();
    expect((await reader.rest()).end).toMatchObject({ status: "completed", lastSeq: 2 });
    expect(await reader.closed).toBe(true);
  });

  test("begins at once, with headers against caching and buffering", async () => {
    await using up = await setUp();
    const { stream } = await up.open();
    const { status, headers } = await up.read(stream, "", { "accept-encoding": "gzip, br" });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-store, no-transform",
      "x-accel-buffering": "no",
    });
    expect(headers["content-encoding"]).toBeUndefined();
  });

  test("carries any lines and any characters unchanged", async () => {
    await using up = await setUp();
    const line = fc.string({ unit: "binary" }).map((text) => text.replace(/[\r\n]/g, ""));
    const data = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n"));
    const name = fc.option(
      line.filter((text) => text !== ""),
      { nil: undefined },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ data, event: name }), { minLength: 1 }), async (sent) => {
        const { stream, upstream } = await up.open();
        const reader = await up.read(stream);
        upstream.sse();
        for (const { data, event } of sent) upstream.event(data, event);
        upstream.end();
        const { events } = await reader.rest();
        expect(events.map(({ id, event, data }) => ({ id, event, data }))).toEqual(
          sent.map(({ data, event }, at) => ({ id: `1-${at + 1}`, event, data })),
        );
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });

  test("ends with the body of an end frame, and has the same events as a WebSocket", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open({ model: "gpt" });
    upstream.sse().event(chunk("x")).event(DONE).event("[DONE]").end();
    const onSocket = await client.rest("a");
    const onHttp = await (await up.read(stream)).rest();
    const { id: _, ...end } = onSocket.end;
    expect(onHttp.end).toEqual(end);
    expect(onHttp.events.map(({ data }) => data)).toEqual([
      ...onSocket.events.slice(0, 2).map(({ data }) => JSON.stringify(data)),
      "[DONE]",
    ]);
  });

  test("reports an upstream failure in its end event", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open({ model: "gpt" });
    const reader = await up.read(stream);
    upstream.sse().event(chunk("x")).finish();
    expect((await reader.rest()).end).toMatchObject({
      type: "end",
      status: "failed",
      lastSeq: 1,
      error: { code: "upstream_truncated", retryable: true },
    });
  });

  test("sends comments while it is silent, and is not timed out", async () => {
    await using up = await setUp({ limits: { sockets: { pingMs: 20, pongMs: 20 } } });
    const { stream, upstream } = await up.open();
    const reader = await up.read(stream);
    upstream.sse();
    await reader.comments(5);
    expect(reader.text).toMatch(/^(: keep-alive\n\n){5,}$/);
    upstream.event("late").end();
    expect((await reader.rest()).events).toMatchObject([{ id: "1-1", data: "late" }]);
  });

  test("records the time of the first content sent if the WebSocket left before it", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open({ model: "gpt" });
    const reader = await up.read(stream);
    upstream.sse().event(chunk("x")).event(DONE).event("[DONE]").end();
    const { timing } = (await reader.rest()).end as { timing: Record<string, number> };
    expect(timing.firstSentMs).toBeGreaterThanOrEqual(timing.firstContentMs ?? Number.NaN);
  });
});

describe("a reader that comes back", () => {
  test("with its last event's id receives each later event once", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open();
    const first = await up.read(stream);
    upstream.sse().event("1").event("2");
    await first.take(({ data }) => data === "2");
    first.cut();
    upstream.event("3").event("4");
    const second = await up.read(stream, "", { "last-event-id": first.lastEventId ?? "" });
    upstream.event("5").end();
    expect((await second.rest()).events.map(({ id, data }) => `${id} ${data}`)).toEqual(["1-3 3", "1-4 4", "1-5 5"]);
    expect(up.upstream.requests).toBe(1);
  });

  test.each([
    ["?after=2", {}],
    ["?after=1-2", {}],
    // An EventSource asks its first address again: the header is what it knows since.
    ["?after=0", { "last-event-id": "1-2" }],
  ])("may send %s and %j", async (query, headers) => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse().event("1").event("2").event("3").end();
    await client.rest("a");
    const { events } = await (await up.read(stream, query, headers)).rest();
    expect(events.map(({ data }) => data)).toEqual(["3"]);
  });

  test("after the end receives the end event again, and 204 once it sends that event's id", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse().event("1").end();
    await client.rest("a");
    const reader = await up.read(stream, "", { "last-event-id": "1-1" });
    expect((await reader.rest()).events).toEqual([]);
    expect(reader.lastEventId).toBe("1-1-over");
    const again = await up.read(stream, "", { "last-event-id": "1-1-over" });
    expect(again.status).toBe(204);
  });

  test.each([
    ["?after=7", "ahead"],
    ["?after=2-0", "epoch"],
  ])("with %s is refused: %s", async (query, reason) => {
    await using up = await setUp();
    const { stream } = await up.open();
    const answer = await up.poll(stream, query);
    expect(answer.status).toBe(410);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.error).toMatchObject({ code: "resume_failed", retryable: false, details: { reason } });
  });

  test("for events evicted from the log is refused", async () => {
    await using up = await setUp({ limits: { streams: { logEntries: 4 } } });
    const { stream, upstream, client } = await up.open();
    upstream.sse();
    for (let seq = 1; seq <= 9; seq++) upstream.event(`${seq}`);
    upstream.end();
    await client.rest("a");
    expect((await up.poll(stream, "?after=1")).error?.details).toEqual({ reason: "evicted" });
    expect((await (await up.read(stream, "?after=8")).rest()).events).toMatchObject([{ id: "1-9" }]);
  });

  test.each(["?after=x", "?after=-1", "?after=1-", "?after=1-2-3", "?after=1.5", "?after="])(
    "with %s sent a bad request",
    async (query) => {
      await using up = await setUp();
      const { stream } = await up.open();
      expect(await up.poll(stream, query)).toMatchObject({ status: 400, error: { code: "bad_request" } });
    },
  );
});
