import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const BOM = "\ufeff";

/** One call, answered with this head and this body, cut at these places. */
async function answered(
  status: number,
  headers: Record<string, string>,
  body: string,
  settings: { readonly unary?: boolean; readonly jsonAnswer?: boolean; readonly cuts?: readonly number[] } = {},
) {
  await using upstream = await startScriptedUpstream();
  await using client = openUpstream(upstream.url, { jsonAnswer: settings.jsonAnswer ?? false });
  const { sink } = startCall(client, { unary: settings.unary });
  const exchange = await upstream.request();
  exchange.head(status, { "content-length": String(Buffer.byteLength(body)), ...headers });
  await exchange.writePieces(body, settings.cuts ?? []);
  const error = await sink.done;
  return { error, data: sink.data, requests: upstream.requests };
}

const STREAM = "data: one\n\ndata: two\n\n";

describe("an event stream", () => {
  test.each([200, 201, 202, 203, 206, 207, 226, 299])("with status %i is an answer", async (status) => {
    const { error, data } = await answered(status, { "content-type": "text/event-stream" }, STREAM);
    expect([error, data]).toEqual([undefined, ["one", "two"]]);
  });

  test.each([
    "text/plain",
    "text/plain; charset=utf-8",
    "text/html",
    "application/json",
    "application/octet-stream",
    "application/x-ndjson",
    "application/stream+json",
    "text/event-stream, text/event-stream",
    "text/event-stream charset=utf-8",
    "event-stream",
    "",
  ])("under the content type %j is an answer, because it begins like one", async (type) => {
    const { error, data } = await answered(200, { "content-type": type }, STREAM);
    expect([error, data]).toEqual([undefined, ["one", "two"]]);
  });

  test("under no content type at all is an answer", async () => {
    expect((await answered(200, {}, STREAM)).data).toEqual(["one", "two"]);
  });

  test.each([
    ["a byte order mark", `${BOM}data: one\n\ndata: two\n\n`],
    ["a comment", ": ping\n\ndata: one\n\ndata: two\n\n"],
    ["an empty comment", ":\ndata: one\n\ndata: two\n\n"],
    ["a name", "event: message\ndata: one\n\ndata: two\n\n"],
    ["an id", "id: 1\ndata: one\n\ndata: two\n\n"],
    ["a wait", "retry: 3000\n\ndata: one\n\ndata: two\n\n"],
    ["blank lines", "\n\n\r\n\ndata: one\n\ndata: two\n\n"],
    ["a mark and blank lines", `${BOM}\n\ndata: one\n\ndata: two\n\n`],
    ["lines that end in CR", "data: one\r\rdata: two\r\r"],
    ["lines that end in CRLF", "data: one\r\n\r\ndata: two\r\n\r\n"],
    ["no space behind the colon", "data:one\n\ndata:two\n\n"],
  ])("of no type that begins with %s is one, cut anywhere", async (_name, body) => {
    const bytes = Buffer.byteLength(body);
    expect((await answered(200, {}, body)).data).toEqual(["one", "two"]);
    for (let cut = 1; cut < Math.min(bytes, 14); cut++) {
      expect([cut, (await answered(200, {}, body, { cuts: [cut] })).data]).toEqual([cut, ["one", "two"]]);
    }
  });

  test.each(["none", "identity", "NONE", "utf-8", "UTF-8", "identity, none", ""])(
    "whose content-encoding is %j is not packed",
    async (encoding) => {
      const headers = { "content-type": "text/event-stream", "content-encoding": encoding };
      expect((await answered(200, headers, STREAM)).data).toEqual(["one", "two"]);
    },
  );

  test.each(["gzip", "br", "zstd", "deflate", "x-gzip", "none, gzip", "compress", "something"])(
    "whose content-encoding is %j is refused",
    async (encoding) => {
      const headers = { "content-type": "text/event-stream", "content-encoding": encoding };
      const { error } = await answered(200, headers, STREAM);
      expect(error).toMatchObject({ code: "upstream_bad_response", details: { encoding } });
    },
  );
});

describe("what begins like no event stream", () => {
  test.each([
    ["text/plain", '{"error":{"type":"invalid_request_error","message":"no such model"}}'],
    ["text/html", '\n {"error":{"type":"invalid_request_error","message":"no such model"}}'],
    ["application/octet-stream", '{"error":{"type":"invalid_request_error","message":"no such model"}}'],
    ["application/json", '{"error":{"type":"invalid_request_error","message":"no such model"}}'],
    ["", `${BOM}{"error":{"type":"invalid_request_error","message":"no such model"}}`],
  ])("under %j and is a refusal in JSON, is read as one", async (type, body) => {
    for (const cuts of [[], [1], [3, 5]]) {
      const { error, data, requests } = await answered(200, { "content-type": type }, body, { cuts });
      expect(error).toMatchObject({
        code: "upstream_bad_response",
        message: "no such model",
        details: { status: 200, type: "invalid_request_error" },
      });
      expect([data, requests]).toEqual([[], 1]);
    }
  });

  test.each([
    ["a page", "text/html", "<!doctype html><p>data: one\n\n</p>"],
    ["a word that only begins like a field", "text/plain", "database down\n\ndata: one\n\n"],
    ["another word", "text/plain", "even so\n\n"],
    ["part of a field", "text/plain", "dat"],
    ["an indented field", "text/plain", "  data: one\n\n"],
    ["blank lines alone", "text/plain", "\n\n\n"],
    ["blank lines without end", "text/plain", "\n".repeat(5_000)],
    ["nothing", "text/plain", ""],
    ["a byte order mark", "text/plain", BOM],
  ])("such as %s, is refused and names its type", async (_name, type, body) => {
    const { error } = await answered(200, { "content-type": type }, body);
    expect(error).toMatchObject({ code: "upstream_bad_response", details: { contentType: type } });
  });

  test.each([
    ["a stream", {}, "text/html", "<p>", "the upstream did not answer with a stream"],
    [
      "a whole answer",
      { unary: true },
      "text/event-stream",
      "data: {}\n\n",
      "the upstream did not answer with JSON, and no stream was asked for",
    ],
    ["either", { jsonAnswer: true }, "text/html", "<p>", "the upstream answered neither with a stream nor with JSON"],
  ])("is refused in the words of what was asked for, here as %s", async (_name, asked, type, body, words) => {
    const { error } = await answered(200, { "content-type": type }, body, asked);
    expect(error?.message).toBe(words);
  });

  test.each([204, 205])("and has no body, with status %i, is refused", async (status) => {
    const { error } = await answered(status, { "content-type": "text/event-stream" }, "");
    expect(error).toMatchObject({ code: "upstream_bad_response", details: { status } });
  });

  test("breaks like any call before it has begun", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    (await upstream.request()).head(200, { "content-length": "100" }).write("dat").finish();
    expect(await sink.done).toMatchObject({ code: "upstream_truncated" });
  });
});

describe("a whole answer", () => {
  const ANSWER = '{"answer":42}';

  test.each(["application/json", "application/json; charset=utf-8", "text/plain", "text/json", "text/html", ""])(
    "under %j is one where one was asked for",
    async (type) => {
      for (const settings of [{ unary: true }, { jsonAnswer: true }]) {
        const { error, data } = await answered(200, { "content-type": type }, ANSWER, settings);
        expect([error, data]).toEqual([undefined, [ANSWER]]);
      }
    },
  );

  test.each([201, 206, 299])("with status %i is one", async (status) => {
    expect((await answered(status, { "content-type": "application/json" }, ANSWER, { unary: true })).data).toEqual([
      ANSWER,
    ]);
  });

  test("that is no object is one as long as it is called JSON", async () => {
    const json = { "content-type": "application/json" };
    expect((await answered(200, json, '"hi"', { unary: true })).data).toEqual(['"hi"']);
    expect((await answered(200, json, '"hi"', { jsonAnswer: true })).data).toEqual(['"hi"']);
  });

  test("that calls itself a problem is a refusal", async () => {
    const type = { "content-type": "application/problem+json" };
    const { error } = await answered(200, type, '{"title":"no"}', { unary: true });
    expect(error).toMatchObject({ code: "upstream_bad_response" });
  });

  test("is not taken for one where events were asked for, nor events for it", async () => {
    const json = { "content-type": "text/plain" };
    expect((await answered(200, json, ANSWER)).error).toMatchObject({ code: "upstream_bad_response" });
    expect((await answered(200, json, STREAM, { unary: true })).error).toMatchObject({ code: "upstream_bad_response" });
    expect((await answered(200, json, STREAM, { jsonAnswer: true })).data).toEqual(["one", "two"]);
  });
});
