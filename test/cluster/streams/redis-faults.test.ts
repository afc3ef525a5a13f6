import { describe, expect, test } from "@jest/globals";
import { type BreakingProxy, startBreakingProxy } from "../../support/cluster/breaking-proxy.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { hasRedis, TestRedis } from "../../support/redis.ts";
import { startScriptedUpstream } from "../../support/scripted-upstream.ts";
import { SseClient } from "../../support/sse-client.ts";
import { type EventFrame, StreamClient } from "../../support/stream-client.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { turnsUntil } from "../../support/turns-until.ts";
import { chunk, nodeConfig, type OpenedStream, openOn, resumedOn, resumeOn } from "../../support/two-nodes.ts";

const newDirectory = temporaryDirectories();

/** Two nodes, each with its own way to Redis. */
interface Scene {
  readonly redis: TestRedis;
  /** Starts another one, which ends with the scene. */
  readonly startRedis: (...options: readonly string[]) => Promise<TestRedis>;
  readonly ways: readonly BreakingProxy[];
  readonly nodes: readonly [owner: TestGateway, other: TestGateway];
}

/** What befalls Redis; `meanwhile` must be called once it has, and before it is over. Resolves when both nodes know that it is. */
type Fault = (scene: Scene, meanwhile: () => Promise<void>) => Promise<void>;

const isEvent = (seq: number) => (frame: { type: string }) =>
  frame.type === "event" && (frame as EventFrame).seq === seq;

/** Resolves once every node has logged a change of its cluster once more. */
function allSay({ nodes }: Scene, kind: string): Promise<void> {
  const counts = nodes.map(
    ({ log }) =>
      () =>
        log.text.split(`"${kind}"`).length,
  );
  const before = counts.map((count) => count());
  return turnsUntil(() => counts.every((count, index) => count() > (before[index] ?? 0)));
}

/** Makes Redis useless for long enough that every node notices. */
async function away(scene: Scene, meanwhile: () => Promise<void>, begin: () => unknown, end: () => unknown) {
  const noticed = allSay(scene, "redis_away");
  await begin();
  await noticed;
  await meanwhile();
  const back = allSay(scene, "redis_back");
  await end();
  await back;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "was killed and started again, with what it had written": (scene, meanwhile) =>
    away(
      scene,
      meanwhile,
      () => scene.redis.kill(),
      () => scene.redis.resume(),
    ),
  "stood still": (scene, meanwhile) =>
    away(
      scene,
      meanwhile,
      () => process.kill(scene.redis.pid, "SIGSTOP"),
      () => process.kill(scene.redis.pid, "SIGCONT"),
    ),
  "was full": (scene, meanwhile) =>
    away(
      scene,
      meanwhile,
      () => scene.redis.ask("CONFIG", "SET", "maxmemory", "1mb"),
      () => scene.redis.ask("CONFIG", "SET", "maxmemory", "0"),
    ),
  async "was emptied"(scene, meanwhile) {
    const lost = allSay(scene, "data_lost");
    await scene.redis.ask("FLUSHALL");
    await meanwhile();
    await lost;
  },
  async "was replaced by a replica that lacks what was written last"(scene, meanwhile) {
    const replica = await scene.startRedis("--replicaof", "127.0.0.1", String(scene.redis.port));
    await replica.replicates();
    await replica.ask("REPLICAOF", "NO", "ONE");
    await meanwhile();
    const back = allSay(scene, "redis_back");
    for (const way of scene.ways) way.turnTo(replica.port);
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
      const startRedis = async (...options: readonly string[]) =>
        stack.adopt(await TestRedis.start(...options), (server) => server.stop());
      const redis = await startRedis("--appendonly", "yes");
      const ways = [await startBreakingProxy(redis.port), await startBreakingProxy(redis.port)];
      for (const way of ways) stack.use(way);
      const directory = newDirectory();
      const start = async (way: BreakingProxy | undefined) => {
        const config = nodeConfig({ url: `redis://127.0.0.1:${way?.port}` }, directory);
        return stack.adopt(await startTestGateway({ upstream: upstream.url, config }), (node) => node.close());
      };
      const nodes = [await start(ways[0]), await start(ways[1])] as const;
      const [owner, other] = nodes;
      const opened: Record<string, OpenedStream> = {};
      const open = async (name: string) => {
        const stream = stack.use(await openOn(owner, upstream, { idempotencyKey: name }));
        stream.exchange.event(chunk(`${name} one`));
        await stream.client.take(isEvent(1));
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
      await befall({ redis, startRedis, ways, nodes }, async () => {
        watched.exchange.event(chunk("two"));
        await end(ending);
        await open("during");
      });
      for (const one of [running, opened.during]) {
        if (!one) throw new Error("it was not opened");
        await readTo(one, await resumedOn(other, one.stream));
      }
      watched.exchange.finishChat();
      expect((await watching.rest("one")).events.map(({ seq }) => seq)).toEqual([2, 3, 4]);
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
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
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
