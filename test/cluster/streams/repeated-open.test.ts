import { expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startOwnerProcess } from "../../support/nodes/owner-and-other.ts";
import { startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { openOn, openWith, seqsOf } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();
const KEY = { idempotencyKey: "once" };
const OPEN = { type: "open", id: "one", model: "gpt", body: { messages: [] }, flow: "none", ...KEY };

describeWithRedis("an open with an idempotency key that is sent again to another node", (redis) => {
  test("finds the stream that runs, and is read there from its beginning; the upstream is called once", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"], KEY);
    first.client.ws.terminate();
    using again = await (await StreamClient.connect(b.url)).hello();
    again.send(OPEN);
    expect(await again.next()).toMatchObject({ type: "opened", stream: first.stream, route: "chat", attached: true });
    first.exchange.finishChat();
    const { events, end } = await again.rest("one");
    expect(seqsOf(events)).toEqual([1, 2, 3]);
    expect(end.status).toBe("completed");
    expect(upstream.requests).toBe(1);
  });

  test("is refused if it asks for something else, and is another caller's own affair", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream, KEY);
    using other = await (await StreamClient.connect(b.url)).hello();
    other.send({ ...OPEN, body: { messages: ["another"] } });
    expect(await other.next()).toMatchObject({ type: "error", error: { code: "bad_request" } });
    first.exchange.finishChat();
  });

  test("of many at once on both nodes, one calls the upstream", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const clients = await Promise.all([a, b, a, b].map(async ({ url }) => (await StreamClient.connect(url)).hello()));
    for (const client of clients) client.send(OPEN);
    const exchange = await upstream.request();
    exchange.sse();
    const opened = await Promise.all(clients.map((client) => client.take(({ type }) => type === "opened")));
    expect(new Set(opened.map((frame) => frame.type === "opened" && frame.stream)).size).toBe(1);
    expect(opened.filter((frame) => frame.type === "opened" && !frame.attached)).toHaveLength(1);
    expect(upstream.requests).toBe(1);
    for (const client of clients) client.ws.terminate();
  });

  test("finds how it ended when its node was killed", async () => {
    await using nodes = await startOwnerProcess(redis(), newDirectory());
    const { upstream, owner, other } = nodes;
    using _first = await openWith(owner, upstream, ["one"], KEY);
    owner.kill("SIGKILL");
    using again = await (await StreamClient.connect(other.url)).hello();
    again.send(OPEN);
    expect((await again.rest("one")).end).toMatchObject({ status: "failed", error: { code: "owner_lost" } });
    expect(upstream.requests).toBe(1);
  });

  test("is free again when the first one was refused", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory(), { limits: { openStreams: 1 } });
    const { a, b, upstream } = nodes;
    using running = await openOn(a, upstream);
    using refused = await (await StreamClient.connect(a.url)).hello();
    refused.send(OPEN);
    expect(await refused.next()).toMatchObject({ type: "error", error: { code: "overloaded" } });
    using second = await (await StreamClient.connect(b.url)).hello();
    second.send(OPEN);
    expect(await second.next()).toMatchObject({ type: "opened" });
    running.exchange.finishChat();
  });
});
