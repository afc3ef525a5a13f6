import { describe, expect, test } from "@jest/globals";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { HttpExchange, HttpFace } from "../../../src/core/ports/http-face.ts";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";
import { Inbound } from "../../../src/transport/admit/inbound.ts";
import { startServer } from "../../../src/transport/server.ts";
import { noFault } from "../../support/relay/no-fault.ts";
import { observerOf } from "../../support/relay/observer.ts";

const clock = { now: () => performance.now(), wall: () => Date.now() };

/** A server with one HTTP face on `/x`, and what its observer heard. */
async function serve(handle: HttpFace["handle"]) {
  const heard: string[] = [];
  const room = new InboundBudget({ maxBytes: 1_048_576, maxBytesEach: 1_048_576 });
  const server = await startServer({
    host: "127.0.0.1",
    port: 0,
    faces: [],
    httpFaces: [{ name: "x", matches: (_, path) => path === "/x", handle }],
    page: () => undefined,
    admit() {},
    maxSockets: 100,
    authenticator: { required: false, authenticate: () => ({ name: "local" }), failed() {}, current: (known) => known },
    origins: { allowedOrigins: [], allowedHosts: [] },
    limits: {
      handshakeFrameBytes: 1,
      handshakeMs: 1_000,
      socketGateBytes: 1_024,
      violationsPerMinute: 1,
      framesPerSecond: 1,
      pingMs: 1_000,
      pongMs: 1_000,
      connections: 10,
      connectionsPerAddress: 10,
      upgradesPerSecond: 10,
      upgradesPerSecondPerAddress: 10,
      connectionsPerKey: 10,
      unauthenticatedSockets: 10,
      unauthenticatedSocketsPerAddress: 10,
      inboundBytesPerSecond: 1_024,
    },
    reads: new ReadTurn(noFault),
    inbound: new Inbound({ callers: room, strangers: room, limits: { inboundBytesPerSecond: 1_048_576 }, clock }),
    clock,
    observer: observerOf({
      refused: ({ code, where }) => void heard.push(`${where} ${code}`),
      fault: (error, where) => void heard.push(`fault ${where} ${error}`),
    }),
    newId: () => "1",
  });
  return { server, heard, url: `${server.url}/x?a=1&b=%20&a=2`, [Symbol.asyncDispose]: () => server.close() };
}

const get = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

describe("an HTTP exchange", () => {
  test("passes the request to its face and sends the response, marked as not cacheable", async () => {
    await using up = await serve((exchange) => {
      const { id, method, path, caller } = exchange;
      const asked = {
        id,
        method,
        path,
        caller,
        a: exchange.query("a"),
        b: exchange.query("b"),
        c: exchange.query("c"),
      };
      exchange.respond({ status: 202, headers: { "x-own": "1" }, body: JSON.stringify(asked) });
      // The first answer is the answer.
      exchange.respond({ status: 500, headers: {}, body: "" });
      exchange.refuse(new GatewayError("forbidden"));
    });
    const { status, headers, text } = await get(up.url);
    expect(status).toBe(202);
    expect(Object.fromEntries(headers)).toMatchObject({ "x-own": "1", "cache-control": "no-store" });
    expect(JSON.parse(text)).toEqual({
      id: "c_1",
      method: "GET",
      path: "/x",
      caller: { name: "local" },
      a: "1",
      b: " ",
    });
  });

  test("responds with the refusal its face throws", async () => {
    await using up = await serve(() => {
      throw new GatewayError("rate_limited", "not now", { retryAfterMs: 1_500 });
    });
    const { status, headers, text } = await get(up.url);
    expect([status, headers.get("retry-after")]).toEqual([429, "2"]);
    expect(JSON.parse(text).error).toEqual({
      code: "rate_limited",
      message: "not now",
      retryable: true,
      retryAfterMs: 1_500,
    });
    expect(up.heard).toEqual(["x rate_limited"]);
  });

  test("whose face throws responds with internal, and reports the fault's message to the observer alone", async () => {
    await using up = await serve(() => {
      throw new TypeError("the secret");
    });
    const { status, text } = await get(up.url);
    expect([status, JSON.parse(text).error.code]).toEqual([500, "internal"]);
    expect(text).not.toContain("secret");
    expect(up.heard).toEqual(["fault face x TypeError: the secret"]);
  });

  test("whose face throws midway is cut off, so that the response cannot look complete", async () => {
    await using up = await serve((exchange) => {
      exchange.stream({ status: 200, headers: {} }, () => {}).write("half");
      throw new TypeError("x");
    });
    const response = await fetch(up.url);
    await expect(response.text()).rejects.toThrow("terminated");
    expect(up.heard).toEqual(["fault face x TypeError: x"]);
  });

  test("tells its face when to stop writing, and when to continue", async () => {
    const { promise: drained, resolve } = Promise.withResolvers<boolean[]>();
    await using up = await serve((exchange) => {
      const body = exchange.stream({ status: 200, headers: {} }, () => {
        resolve([before, between, body.writable]);
        body.end();
      });
      const before = body.writable;
      body.write("x".repeat(2_000));
      const between = body.writable;
    });
    expect((await get(up.url)).text).toHaveLength(2_000);
    expect(await drained).toEqual([true, false, true]);
  });

  test("without a response when the server closes is refused, and its face notified", async () => {
    const { promise: waiting, resolve } = Promise.withResolvers<HttpExchange>();
    const up = await serve(resolve);
    const answer = get(up.url);
    const told: string[] = [];
    (await waiting).onClose((why) => void told.push(why));
    await up.server.close();
    const { status, text } = await answer;
    expect([status, JSON.parse(text).error.code]).toEqual([503, "shutting_down"]);
    expect(told).toEqual(["shutting_down"]);
  });

  test("with a partial response when the server closes ends with what its face writes last", async () => {
    const { promise: waiting, resolve } = Promise.withResolvers<HttpExchange>();
    const up = await serve((exchange) => {
      const body = exchange.stream({ status: 200, headers: {} }, () => {});
      body.write("so far");
      exchange.onClose((why) => body.write(`, then ${why}`));
      resolve(exchange);
    });
    const answer = get(up.url);
    await waiting;
    await up.server.close();
    expect((await answer).text).toBe("so far, then shutting_down");
  });

  test("is created only for requests that its face matches", async () => {
    await using up = await serve((exchange) => exchange.respond({ status: 200, headers: {}, body: "" }));
    expect((await get(up.url.replace("/x", "/y"))).status).toBe(404);
  });
});
