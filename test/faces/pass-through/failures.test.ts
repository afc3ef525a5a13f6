import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { PATHS, passing } from "./set-up.ts";

/** A gateway that passes on to an upstream which a test answers byte for byte. */
async function setUp(more: Record<string, unknown> = {}, route: Record<string, unknown> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const config = passing(upstream.url, PATHS, more);
  Object.assign(config.routes.openai, route);
  const gateway = stack.use(await startTestGateway({ config }));
  return {
    upstream,
    gateway,
    url: gateway.url,
    line: () => gateway.log.lines.find(({ event }) => event === "stream"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Resolves with the line of the request that was passed on, once it is over. */
async function lineOf(rig: { line(): Record<string, unknown> | undefined }): Promise<Record<string, unknown>> {
  for (;;) {
    const line = rig.line();
    if (line) return line;
    await new Promise((turn) => setImmediate(turn));
  }
}

const errorOf = async (response: Response) =>
  ((await response.json()) as { readonly error: Readonly<Record<string, unknown>> }).error;

describe("a provider that fails", () => {
  test("is told with its status and its own words", async () => {
    await using rig = await setUp();
    const asking = fetch(`${rig.url}/v1/files/file-9`);
    (await rig.upstream.request()).json(404, { error: { message: "No such File", type: "invalid_request_error" } });
    const answer = await asking;
    expect([answer.status, await errorOf(answer)]).toEqual([
      404,
      expect.objectContaining({ message: "No such File", type: "invalid_request_error" }),
    ]);
    expect(rig.line()).toMatchObject({ status: "failed", code: "upstream_http_error", upstreamStatus: 404 });
    expect(rig.line()?.usage).toEqual({ source: "exact", inputTokens: 0, outputTokens: 0 });
  });

  test("never has its refusal of the route's key shown with that key", async () => {
    await using rig = await setUp();
    const asking = fetch(`${rig.url}/v1/files`);
    const exchange = await rig.upstream.request();
    const key = exchange.headers.authorization?.slice("Bearer ".length) ?? "";
    exchange.json(401, { error: { message: `Incorrect API key provided: ${key}` } });
    const text = await (await asking).text();
    expect(text).toContain("the route openai");
    expect(text).not.toContain(key);
    expect(rig.gateway.log.text).not.toContain(key);
  });

  test("that refuses a path to the route's key is still asked for other paths", async () => {
    await using rig = await setUp();
    const refused = fetch(`${rig.url}/v1/files`);
    (await rig.upstream.request()).json(401, { error: { message: "Missing scopes: api.files.read" } });
    expect((await refused).status).toBe(400);
    const other = fetch(`${rig.url}/v1/batches/b`);
    (await rig.upstream.request()).json(200, {});
    expect((await other).status).toBe(200);
  });

  test("has the route's key covered in a success too, even in pieces, at the same length", async () => {
    await using rig = await setUp();
    const asking = fetch(`${rig.url}/v1/files`);
    const exchange = await rig.upstream.request();
    const key = exchange.headers.authorization?.slice("Bearer ".length) ?? "";
    const body = JSON.stringify({ echo: key });
    exchange.head(200, { "content-type": "application/json", "content-length": String(body.length) });
    await exchange.writePieces(body, [15, 20]);
    expect(await (await asking).json()).toEqual({ echo: "*".repeat(key.length) });
  });

  test("that cuts its response off makes the client's fail, not end", async () => {
    await using rig = await setUp();
    const asking = fetch(`${rig.url}/v1/files/a/content`);
    const exchange = await rig.upstream.request();
    exchange.head(200, { "content-type": "text/plain", "transfer-encoding": "chunked" }).chunk("half");
    const answer = await asking;
    exchange.finish();
    await expect(answer.text()).rejects.toThrow();
    expect(await lineOf(rig)).toMatchObject({ status: "failed", code: "upstream_truncated", bytes: 4 });
  });

  test("that sends more than limits.passThrough.responseBytes is refused, or cut off if it did not say so", async () => {
    await using rig = await setUp({ limits: { passThrough: { responseBytes: 10 } } });
    const told = fetch(`${rig.url}/v1/files`);
    (await rig.upstream.request()).json(200, { much: "more than ten bytes" });
    const answer = await told;
    expect([answer.status, await errorOf(answer)]).toEqual([
      502,
      expect.objectContaining({ message: expect.stringContaining("limits.passThrough.responseBytes") }),
    ]);
    const untold = fetch(`${rig.url}/v1/files`);
    const exchange = await rig.upstream.request();
    exchange.head(200, { "transfer-encoding": "chunked" }).chunk("12345");
    const cut = await untold;
    exchange.chunk("678901");
    await expect(cut.text()).rejects.toThrow();
  });

  test("that says nothing for the route's time is a timeout", async () => {
    await using rig = await setUp({}, { timeouts: { totalMs: 200 } });
    const answer = await fetch(`${rig.url}/v1/files`);
    expect([answer.status, (await errorOf(answer)).code]).toEqual([504, "upstream_timeout"]);
    await rig.upstream.request();
  });

  test("that redirects or packs its response is refused", async () => {
    await using rig = await setUp();
    const redirected = fetch(`${rig.url}/v1/files`);
    (await rig.upstream.request()).head(302, { location: "https://elsewhere.example/", "content-length": "0" });
    expect((await redirected).status).toBe(502);
    const packed = fetch(`${rig.url}/v1/files`);
    (await rig.upstream.request()).head(200, { "content-encoding": "gzip", "content-length": "0" });
    expect((await packed).status).toBe(502);
  });

  test("that has nothing newer than the client does not redirect it", async () => {
    await using rig = await setUp();
    const asking = fetch(`${rig.url}/v1/files/a/content`, { headers: { "if-none-match": '"v1"' } });
    const exchange = await rig.upstream.request();
    expect(exchange.headers["if-none-match"]).toBe('"v1"');
    exchange.head(304, { etag: '"v1"', "content-length": "900" });
    const answer = await asking;
    expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, '"v1"', ""]);
    expect(await lineOf(rig)).toMatchObject({ status: "completed", bytes: 0 });
  });

  test("that had closed its idle connection is asked once more on a new one", async () => {
    await using rig = await setUp();
    rig.upstream.respondWith((exchange) => {
      // The second request on the first connection finds it closed.
      if (exchange.connection === 1 && rig.upstream.requests === 2) exchange.reset();
      else exchange.json(200, { connection: exchange.connection });
    });
    const first = await (await fetch(`${rig.url}/v1/files`)).json();
    const second = await (await fetch(`${rig.url}/v1/files`)).json();
    expect([first, second]).toEqual([{ connection: 1 }, { connection: 2 }]);
  });
});

describe("a client that leaves", () => {
  test("closes the upstream in the middle of a response", async () => {
    await using rig = await setUp();
    const leaving = new AbortController();
    const asking = fetch(`${rig.url}/v1/files/a/content`, { signal: leaving.signal });
    const exchange = await rig.upstream.request();
    exchange.head(200, { "transfer-encoding": "chunked" }).chunk("half");
    await asking;
    leaving.abort();
    await exchange.closed;
    expect(await lineOf(rig)).toMatchObject({ status: "cancelled", code: "client_gone", usage: { source: "unknown" } });
  });

  test("closes the upstream in the middle of an upload", async () => {
    const closed = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on("data", () => began.resolve());
      socket.on("close", () => closed.resolve());
      socket.on("error", () => {});
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using gateway = await startTestGateway({ config: passing(url) });
    const client = httpRequest(`${gateway.url}/v1/files`, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x", "content-length": 1_000_000 },
    });
    client.on("error", () => {});
    client.write("--x\r\n");
    await began.promise;
    client.destroy();
    await closed.promise;
    server.close();
    expect(await lineOf({ line: () => gateway.log.lines.find(({ event }) => event === "stream") })).toMatchObject({
      status: "cancelled",
      code: "client_gone",
    });
  });
});

test("a response is not read further than its client takes it", async () => {
  await using rig = await setUp();
  const { port } = new URL(rig.url);
  const client = connect(Number(port), "127.0.0.1");
  client.on("error", () => {});
  client.pause();
  client.write("GET /v1/files/a/content HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  const exchange = await rig.upstream.request();
  const total = 64 * 1024 * 1024;
  exchange.head(200, { "content-length": String(total) }).write(Buffer.alloc(total, "x"));
  let [last, same] = [-1, 0];
  while (same < 200) {
    await new Promise((turn) => setImmediate(turn));
    same = exchange.unsentBytes === last ? same + 1 : 0;
    last = exchange.unsentBytes;
  }
  expect(exchange.unsentBytes).toBeGreaterThan(total / 2);
  client.destroy();
  await exchange.closed;
  expect(await lineOf(rig)).toMatchObject({ status: "cancelled" });
});

describe("an upload", () => {
  const upload = (url: string, bytes: number, headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/files`, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x", ...headers },
      body: Buffer.alloc(bytes, "x"),
    });

  test("above limits.passThrough.requestBytes is refused before a connection is made for it", async () => {
    await using rig = await setUp({ limits: { passThrough: { requestBytes: 1_000 } } });
    const answer = await upload(rig.url, 1_001);
    expect(answer.status).toBe(413);
    expect(rig.upstream.requests).toBe(0);
    expect(await lineOf(rig)).toMatchObject({ status: "failed", code: "frame_too_large" });
  });

  test("that comes packed is refused", async () => {
    await using rig = await setUp();
    expect((await upload(rig.url, 10, { "content-encoding": "gzip" })).status).toBe(400);
  });

  test("is not read further than the provider takes it", async () => {
    const taken = Promise.withResolvers<import("node:net").Socket>();
    const server = createServer({ pauseOnConnect: true }, (socket) => taken.resolve(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using gateway = await startTestGateway({ config: passing(url) });
    const total = 64 * 1024 * 1024;
    const { port } = new URL(gateway.url);
    const client = connect(Number(port), "127.0.0.1");
    client.on("error", () => {});
    client.write(
      `POST /v1/files HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: ${total}\r\n\r\n`,
    );
    client.write(Buffer.alloc(total, "x"));
    const socket = await taken.promise;
    // Once nothing has moved for some turns, both sides wait for the provider.
    let [last, same] = [-1, 0];
    while (same < 200) {
      await new Promise((turn) => setImmediate(turn));
      same = client.bytesWritten - client.writableLength === last ? same + 1 : 0;
      last = client.bytesWritten - client.writableLength;
    }
    expect(client.writableLength).toBeGreaterThan(total / 2);
    client.destroy();
    socket.destroy();
    server.close();
  });
});
