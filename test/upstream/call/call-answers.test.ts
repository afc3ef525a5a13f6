import { describe, expect, test } from "@jest/globals";
import { startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describe.each(WAYS)("a stream, %s", (_way, openUpstream) => {
  test("is told event by event, then its end", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().event({ n: 1 }, "first");
    await sink.received(1);
    exchange.event("second").end();
    expect(await sink.done).toBeUndefined();
    expect(sink.events).toEqual([
      { name: "first", data: '{"n":1}' },
      { name: undefined, data: "second" },
    ]);
    expect(sink.calls).toEqual(["firstByte", "event", "event", "end"]);
  });

  test("may be delimited by its length or by the end of the connection", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const body = "data: one\n\n";
    const sized = startCall(client);
    const length = String(body.length);
    (await upstream.request()).head(200, { "content-type": "text/event-stream", "content-length": length }).write(body);
    expect(await sized.sink.done).toBeUndefined();
    const open = startCall(client);
    (await upstream.request()).head(200, { "content-type": "text/event-stream" }).write(body).finish();
    expect(await open.sink.done).toBeUndefined();
    expect([...sized.sink.data, ...open.sink.data]).toEqual(["one", "one"]);
  });

  test("may be announced by interim answers", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").sse().event("one").end();
    expect(await sink.done).toBeUndefined();
    expect(sink.data).toEqual(["one"]);
  });

  test("that ends with an unframed JSON error fails with the provider's words", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const failure = { error: { type: "UNAVAILABLE", message: "key sk-abcdefghijkl is busy" } };
    (await upstream.request())
      .sse()
      .event("one")
      .chunk(JSON.stringify(failure, null, 2))
      .end();
    expect(await sink.done).toMatchObject({
      code: "upstream_error_event",
      message: "key [redacted] is busy",
      details: { type: "UNAVAILABLE" },
    });
    expect(sink.data).toEqual(["one"]);
  });

  test("that ends with other unframed text just ends", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).sse().event("one").chunk('{"answer":42}').end();
    expect(await sink.done).toBeUndefined();
  });
});

describe.each(WAYS)("an answer that is no stream, %s", (_way, openUpstream) => {
  const page = "<html>Bearer abcdefgh</html>";

  test.each([
    [204, {}, "upstream_bad_response", { status: 204, reason: "status" }],
    [302, { location: "http://127.0.0.1:1/" }, "upstream_bad_response", { status: 302, reason: "redirect" }],
    [400, {}, "upstream_http_error", { status: 400 }],
    [401, {}, "upstream_http_error", { status: 401 }],
    [429, {}, "upstream_rate_limited", { status: 429 }],
    [500, {}, "upstream_http_error", { status: 500 }],
    [502, {}, "upstream_http_error", { status: 502 }],
    [503, {}, "upstream_overloaded", { status: 503 }],
    [529, {}, "upstream_overloaded", { status: 529 }],
  ] as const)(
    "with status %i fails by that status and keeps its page to itself",
    async (status, headers, code, details) => {
      await using upstream = await startScriptedUpstream();
      await using client = openUpstream(upstream.url);
      const { sink } = startCall(client, { mayRetry: false });
      const exchange = await upstream.request();
      exchange
        .head(status, { "content-type": "text/html", "content-length": String(page.length), ...headers })
        .write(page);
      const error = await sink.done;
      expect(error).toMatchObject({ code, details });
      expect(error?.message).not.toContain("html");
      expect(sink.calls).toEqual(["fail"]);
      expect(upstream.requests).toBe(1);
    },
  );

  test.each([
    [400, false],
    [404, false],
    [408, true],
    [500, true],
    [502, true],
  ])("with status %i is worth another try: %p", async (status, retryable) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client, { mayRetry: false });
    (await upstream.request()).json(status, {});
    expect((await sink.done)?.retryable).toBe(retryable);
  });

  test("passes on the provider's own words without credentials", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const words = "Incorrect API key provided: sk-proj-1234567890abcdef";
    (await upstream.request()).json(400, { error: { type: "invalid_request_error", message: words } });
    expect(await sink.done).toMatchObject({
      code: "upstream_http_error",
      message: "Incorrect API key provided: [redacted]",
      details: { status: 400, type: "invalid_request_error" },
    });
  });

  test.each([
    ["text/html; charset=utf-8", "text/html"],
    ["application/json", "application/json"],
    ["text/event-streams", "text/event-streams"],
    ["", "none"],
  ])("with status 200 and content type %p names what came", async (contentType, named) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).head(200, { "content-type": contentType, "content-length": "2" }).write("{}");
    expect(await sink.done).toMatchObject({
      code: "upstream_bad_response",
      details: { status: 200, contentType: named },
    });
  });

  test("with status 200 and a JSON error passes on the provider's words", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).json(200, { error: { message: "no such model", type: "not_found" } });
    expect(await sink.done).toMatchObject({
      code: "upstream_bad_response",
      message: "no such model",
      details: { type: "not_found", contentType: "application/json" },
    });
  });

  test.each(["gzip", "br", "identity, gzip"])("compressed with %s is refused at once", async (encoding) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse({ "content-encoding": encoding }).chunk("\u001f\u008b");
    expect(await sink.done).toMatchObject({ code: "upstream_bad_response", details: { encoding } });
    await exchange.closed;
  });

  test("is read up to the limit and no further", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { maxErrorBodyBytes: 1000 });
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.head(400, { "content-type": "application/json", "transfer-encoding": "chunked" });
    exchange.chunk(JSON.stringify({ padding: "x".repeat(1000), error: { message: "beyond the limit" } }));
    expect(await sink.done).toMatchObject({ code: "upstream_http_error", message: "the upstream answered 400" });
    await exchange.closed;
  });

  test("is not waited for: what came of it in time is used", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { timeouts: { errorBodyMs: 20 } });
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.head(400, { "content-type": "application/json", "content-length": "1000" });
    exchange.write(JSON.stringify({ error: { message: "early words" } }));
    expect(await sink.done).toMatchObject({ code: "upstream_http_error", message: "early words" });
    await exchange.closed;
  });

  test("is named by its status even when the connection breaks within it", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.head(403, { "content-type": "application/json", "content-length": "1000" }).write('{"error":').finish();
    expect(await sink.done).toMatchObject({ code: "upstream_http_error", details: { status: 403 } });
  });
});

describe.each(WAYS)("a whole JSON answer, where the route allows it, %s", (_way, openUpstream) => {
  test("is the only event", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { jsonAnswer: true });
    const { sink } = startCall(client);
    (await upstream.request()).json(200, { id: "a", content: "é" });
    expect(await sink.done).toBeUndefined();
    expect(sink.events).toEqual([{ name: undefined, data: '{"id":"a","content":"é"}' }]);
    expect(sink.calls).toEqual(["firstByte", "event", "end"]);
  });

  test("obeys the size of one event", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { jsonAnswer: true }, { maxEventBytes: 100 });
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.json(200, "x".repeat(200));
    expect(await sink.done).toMatchObject({ code: "event_too_large" });
    expect(sink.events).toEqual([]);
    await exchange.closed;
  });
});

describe.each(WAYS)("a whole JSON answer, where one is asked for, %s", (_way, openUpstream) => {
  const whole = { unary: true, body: '{"stream":false}' };

  test("is the only event, whatever the route allows", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client, whole);
    const exchange = await upstream.request();
    expect(exchange.headers.accept).toBe("application/json");
    exchange.json(200, { id: "a" });
    expect(await sink.done).toBeUndefined();
    expect(sink.events).toEqual([{ name: undefined, data: '{"id":"a"}' }]);
  });

  test("is no stream", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { jsonAnswer: true });
    const { sink } = startCall(client, whole);
    (await upstream.request()).sse().event({}).end();
    expect(await sink.done).toMatchObject({ code: "upstream_bad_response" });
    expect(sink.events).toEqual([]);
  });

  test("may take as long as the whole call: its head comes when the model has finished", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { timeouts: { headersMs: 1, firstEventMs: 1, totalMs: 50 } });
    const { sink } = startCall(client, whole);
    await upstream.request();
    expect(await sink.done).toMatchObject({ code: "upstream_timeout", details: { timer: "total" } });
  });
});
