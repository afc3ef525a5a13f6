import { createInterface } from "node:readline";
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { ownTime } from "../../support/jest/own-time.ts";
import { NetworkNamespace, whyNoNamespaces } from "../../support/network/network-namespace.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const TOKEN = "a-long-shared-token";
const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });

/** Opens a stream and prints every frame it gets; Node's own WebSocket answers pings. */
const CLIENT = `
  const [url, token] = process.argv.slice(1);
  const ws = new WebSocket(url, ["sluice.v1", "base64url.bearer.sluice." + Buffer.from(token).toString("base64url")]);
  ws.onopen = () => ws.send(JSON.stringify({ type: "open", id: "a", model: "gpt", body: {} }));
  ws.onmessage = ({ data }) => console.log(data);
`;

const problem = whyNoNamespaces();
const withNamespaces = problem === undefined ? test : test.skip;

describe("a client whose network vanishes", () => {
  const name = "is noticed by the heartbeat alone; its stream goes on and is there for it, all of it";
  withNamespaces(problem === undefined ? name : `skipped (${problem}): ${name}`, async () => {
    await using network = new NetworkNamespace();
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({
      upstream: upstream.url,
      config: {
        listen: { host: network.here, port: 0 },
        auth: { token: TOKEN },
        // A client on a busy machine has time to answer.
        limits: { sockets: { pingMs: 300, pongMs: 2_000 } },
      },
    });
    const client = network.run(CLIENT, [`${gateway.url.replace("http", "ws")}/v1/stream`, TOKEN]);
    const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? "");
    await next();
    const { stream } = await next();
    const exchange = (await upstream.request()).sse().event(delta("0"));
    expect(await next()).toMatchObject({ type: "event", seq: 1 });

    const cutAt = performance.now();
    const taken = ownTime();
    network.cut();
    let events = 1;
    const closing = () => gateway.log.lines.find(({ event }) => event === "connection");
    while (!closing()) {
      exchange.event(delta(String(events++)));
      await new Promise((later) => setTimeout(later, 10));
    }
    const [noticedMs, takenMs] = [performance.now() - cutAt, taken()];
    expect(closing()).toMatchObject({ closeCode: 4001 });
    expect(noticedMs).toBeGreaterThan(1_000);
    expect(takenMs).toBeLessThan(5_000);
    expect(exchange.isClosed).toBe(false);

    exchange.finishChat();
    using second = await StreamClient.connect(gateway.url, { token: TOKEN });
    second.send({ type: "resume", id: "b", stream, epoch: 1, after: 1 });
    expect(await second.take(({ type }) => type === "resumed")).toMatchObject({ previous: "no_pong" });
    const { events: rest, end } = await second.rest("b");
    expect(end).toMatchObject({ status: "completed", lastSeq: events + 2 });
    expect(rest.map(({ seq }) => seq)).toEqual(Array.from({ length: events + 1 }, (_, at) => at + 2));
  });
});
