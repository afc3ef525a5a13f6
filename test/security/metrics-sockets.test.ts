/** Strangers on the metrics' own listener: what they may take, and that the gateway goes on. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { REFUSAL_WINDOW_MS } from "../../src/observe/refusals.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { within } from "../support/jest/not-late.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const SOCKETS = 64;
const STRANGERS = 700;

/** Connected, and saying nothing. Resolves when the connection is there; what was closed at once is there too. */
async function silent(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.resume();
  return socket;
}

/** Resolves when this many of the sockets are closed, with how many are still open then. */
function untilClosed(sockets: readonly Socket[], count: number): Promise<number> {
  return new Promise((resolve) => {
    const look = () => {
      const closed = sockets.filter(({ closed: isClosed }) => isClosed).length;
      if (closed >= count) resolve(sockets.length - closed);
    };
    for (const socket of sockets) socket.once("close", look);
    look();
  });
}

test("of 700 idle sockets 64 at most are admitted, all are counted, and streams continue", () =>
  // Refusals of one kind are one line for so long.
  within(REFUSAL_WINDOW_MS, async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({
      upstream: upstream.url,
      config: { metrics: { listen: { port: 0 } } },
    });
    const metricsUrl = gateway.metricsUrl ?? "";
    const strangers = await Promise.all(Array.from({ length: STRANGERS }, () => silent(metricsUrl)));
    expect(await untilClosed(strangers, STRANGERS - SOCKETS)).toBe(SOCKETS);

    const client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", model: "plain", body: {} });
    (await upstream.request()).sse().event("1").end();
    expect(await client.take(({ type }) => type === "end")).toMatchObject({ id: "a", status: "completed" });
    client.close();

    for (const socket of strangers) socket.destroy();
    await untilClosed(strangers, STRANGERS);
    const [, count] =
      /^sluice_refusals_total\{(?=.*where="metrics")(?=.*code="overloaded").*\} (\d+)$/m.exec(
        await metricsOf(metricsUrl),
      ) ?? [];
    // Those who ask for the page before there is room are counted too.
    expect(Number(count)).toBeGreaterThanOrEqual(STRANGERS - SOCKETS);
    const counted = gateway.log.lines.filter(({ event, where }) => event === "refused" && where === "metrics");
    expect(counted).toEqual([expect.objectContaining({ code: "overloaded", remoteAddress: "127.0.0.1" })]);
  }));

/** The page, as soon as there is room for one who asks. */
async function metricsOf(url: string): Promise<string> {
  for (;;) {
    const answer = await fetch(`${url}/metrics`).catch(() => undefined);
    if (answer) return answer.text();
  }
}

test.each([
  ["two hosts", ["Host: localhost", "Host: localhost"]],
  ["a host that is none", ["Host: a b"]],
])("a request with %s is refused there too", async (_, fields) => {
  await using gateway = await startTestGateway({ config: { metrics: { listen: { port: 0 } } } });
  const socket = await silent(gateway.metricsUrl ?? "");
  socket.write(["GET /metrics HTTP/1.1", ...fields, "Connection: close", "", ""].join("\r\n"));
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
});
