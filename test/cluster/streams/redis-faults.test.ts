import { describe, expect, test } from "@jest/globals";
import { SseClient } from "../../support/clients/sse-client.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { type BreakingProxy, startBreakingProxy } from "../../support/cluster/breaking-proxy.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { redisBehind } from "../../support/nodes/owner-and-other.ts";
import { nodeConfig } from "../../support/nodes/two-nodes.ts";
import {
  chunk,
  isEvent,
  type OpenedStream,
  openWith,
  resumedOn,
  resumeOn,
  seqsOf,
} from "../../support/relay/opened-stream.ts";
import { hasRedis, TestRedis } from "../../support/stores/redis.ts";
import { during, frozen, full, killed, nextChange } from "../../support/stores/redis-outage.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

/** Two nodes, each with its own way to Redis. */
interface Scene {
  readonly redis: TestRedis;
  /** Ends with the scene. */
  readonly stack: AsyncDisposableStack;
  readonly ways: readonly BreakingProxy[];
  readonly nodes: readonly TestGateway[];
}

/** What befalls Redis; `meanwhile` must be called once it has, and before it is over. Resolves when both nodes know that it is. */
type Fault = (scene: Scene, meanwhile: () => Promise<void>) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  "was killed and started again, with what it had written": ({ redis, nodes }, meanwhile) =>
    during(killed(redis), nodes, meanwhile),
  "stood still": ({ redis, nodes }, meanwhile) => during(frozen(redis), nodes, meanwhile),
  "was full": ({ redis, nodes }, meanwhile) => during(full(redis), nodes, meanwhile),
  async "was emptied"({ redis, nodes }, meanwhile) {
    const lost = nextChange(nodes, "data_lost");
    await redis.ask("FLUSHALL");
    await meanwhile();
    await lost;
  },
  async "was replaced by a replica that lacks what was written last"({ redis, stack, ways, nodes }, meanwhile) {
    const replica = stack.use(await redis.promoteReplica());
    await meanwhile();
    const back = nextChange(nodes, "redis_back");
    for (const way of ways) way.turnTo(replica.port);
    await back;
  },
};

const describeHere = hasRedis ? describe : describe.skip;

describeHere(`when Redis${hasRedis ? "" : " (skipped: there is no redis-server here)"}`, () => {
  test.each(Object.entries(FAULTS))(
    "%s, every stream is read to its end elsewhere on every face, and no living node's stream is lost",
    async (_, befall) => {
      await using stack = new AsyncDisposableStack();
      const upstream = stack.use(await startScriptedUpstream());
      const redis = stack.use(await TestRedis.start("--appendonly", "yes"));
      const directory = newDirectory();
      const start = async () => {
        const way = stack.use(await startBreakingProxy(redis.port));
        const config = nodeConfig(redisBehind(way), directory);
        return { way, node: stack.use(await startTestGateway({ upstream: upstream.url, config })) };
      };
      const started = [await start(), await start()] as const;
      const [{ node: owner }, { node: other }] = started;
      const opened: Record<string, OpenedStream> = {};
      const open = async (name: string) => {
        const stream = stack.use(await openWith(owner, upstream, [`${name} one`], { idempotencyKey: name }));
        opened[name] = stream;
        return stream;
      };
      const end = async ({ exchange, client }: OpenedStream) => {
        exchange.event(chunk("two")).finishChat();
        expect((await client.rest("one")).end).toMatchObject({ status: "completed", lastSeq: 4 });
      };
      const running = await open("running");
      const ending = await open("ending");
      await end(await open("ended"));
      const unwanted = await open("cancelled");
      const watched = await open("watched");
      const watching = stack.use(await resumeOn(other, watched.stream, 0));
      await watching.take(isEvent(1));
      const scene = { redis, stack, ways: started.map(({ way }) => way), nodes: [owner, other] };
      await befall(scene, async () => {
        watched.exchange.event(chunk("two"));
        await end(ending);
        await open("during");
      });
      for (const one of [running, opened.during]) {
        if (!one) throw new Error("it was not opened");
        await readTo(one, await resumedOn(other, one.stream));
      }
      watched.exchange.finishChat();
      expect(seqsOf((await watching.rest("one")).events)).toEqual([2, 3, 4]);
      await fetch(`${other.url}/v1/streams/${unwanted.stream}/cancel`, { method: "POST" });
      expect((await unwanted.client.rest("one")).end.status).toBe("cancelled");
      await unwanted.exchange.closed;
      for (const [name, { stream }] of Object.entries(opened)) await expectSameOnAllFaces(owner, other, name, stream);
      expect(upstream.requests).toBe(Object.keys(opened).length);
    },
    120_000,
  );
});

/** Lets the upstream finish, and reads on a client to the end. */
async function readTo({ exchange }: OpenedStream, client: StreamClient): Promise<void> {
  exchange.event(chunk("two")).finishChat();
  const { events, end } = await client.rest("one");
  expect(seqsOf(events)).toEqual([1, 2, 3, 4]);
  expect(end).toMatchObject({ status: "completed", lastSeq: 4 });
  client[Symbol.dispose]();
}

/** What each face says of a stream that has ended: the owner's words are what they must be elsewhere. */
async function expectSameOnAllFaces(owner: TestGateway, other: TestGateway, name: string, stream: string) {
  const frames = async (node: TestGateway) => {
    using client = await resumedOn(node, stream);
    await client.rest("one");
    return client.texts.slice(1);
  };
  const said = await frames(owner);
  expect(await frames(other)).toEqual(said);
  const sent = async (node: TestGateway) => {
    using client = await SseClient.open(`${node.url}/v1/streams/${stream}/events`);
    return client.rest();
  };
  const polled = async (node: TestGateway) => (await fetch(`${node.url}/v1/streams/${stream}/events?wait=1s`)).json();
  expect([await sent(other), await polled(other)]).toEqual([await sent(owner), await polled(owner)]);
  using again = await (await StreamClient.connect(other.url)).hello();
  const body = { messages: [] };
  again.send({ type: "open", id: "one", model: "gpt", body, flow: "none", idempotencyKey: name });
  expect(await again.next()).toMatchObject({ type: "opened", stream, attached: true });
  await again.rest("one");
  expect(again.texts.slice(2)).toEqual(said.slice(1));
}
