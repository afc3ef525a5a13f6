import { expect, test } from "@jest/globals";
import { SseClient } from "../../support/clients/sse-client.ts";
import { startBreakingProxy } from "../../support/cluster/breaking-proxy.ts";
import { redisBehind, startCutOffOwner, startOwnerProcess } from "../../support/nodes/owner-and-other.ts";
import { letJudge, letLapse, letLast, nameOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { chunk, isEvent, openWith, resumeOn } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

/** What clients are answered that resume on a node one after the other until one is not told to come again. */
async function answersOf(node: { readonly url: string }, stream: string, after: number) {
  const refusals: string[] = [];
  for (;;) {
    const client = await resumeOn(node, stream, after);
    const answer = await client.next();
    if (answer.type !== "error") return { refusals, client, answer };
    client[Symbol.dispose]();
    refusals.push(`${answer.error.code} ${answer.error.details?.reason}`);
    if (!answer.error.retryable) return { refusals, client, answer };
  }
}

describeWithRedis("of a stream whose owner cannot write to Redis", (redis) => {
  test("nobody says that it is unknown, and it is read elsewhere as soon as it is written", async () => {
    await using nodes = await startCutOffOwner(redis(), newDirectory());
    const { upstream, owner, other, letGo } = nodes;
    using first = await openWith(owner, upstream, ["one"]);
    using refused = await resumeOn(other, first.stream, 0);
    expect(await refused.next()).toMatchObject({ type: "error", error: { code: "cluster_unavailable" } });
    letGo();
    const { refusals, client } = await answersOf(other, first.stream, 0);
    expect(refusals.filter((refusal) => !refusal.startsWith("cluster_unavailable"))).toEqual([]);
    await client.take(isEvent(1));
    first.exchange.finishChat();
    expect((await client.rest("one")).end.status).toBe("completed");
    client.ws.terminate();
  });

  test("who saw more than was written is told its end when the owner is killed, however soon it comes back", async () => {
    await using way = await startBreakingProxy(redis().port);
    const directory = newDirectory();
    await using nodes = await startOwnerProcess(redis(), directory, redisBehind(way));
    const { upstream, owner, other } = nodes;
    using first = await openWith(owner, upstream, ["one"]);
    using watching = await resumeOn(other, first.stream, 0);
    await watching.take(isEvent(1));
    using back = await resumeOn(owner, first.stream, 1);
    await back.take(({ type }) => type === "resumed");
    way.stall();
    first.exchange.event(chunk("two"));
    await back.take(isEvent(2));
    const name = await nameOf(owner);
    await letLast(redis(), directory, name);
    owner.kill("SIGKILL");
    using socket = await resumeOn(other, first.stream, 2);
    expect(await socket.next()).toMatchObject({ type: "resumed" });
    await letLapse(redis(), directory, name);
    await letJudge(redis(), directory);
    const lost = { status: "failed", error: { code: "owner_lost" }, lastSeq: 2 };
    expect((await socket.rest("one")).end).toMatchObject(lost);
    using sse = await SseClient.open(`${other.url}/v1/streams/${first.stream}/events?after=1-2`);
    const { events, end } = await sse.rest();
    expect(events).toEqual([]);
    expect(end).toMatchObject(lost);
    const poll = await fetch(`${other.url}/v1/streams/${first.stream}/events?wait=20s&after=1-2`);
    expect(await poll.json()).toMatchObject({ events: [], end: lost });
  });
});

describeWithRedis("while the owner runs", (redis) => {
  test("a position that it has not reached is ahead, whoever is asked", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    for (const node of [a, b]) {
      using client = await resumeOn(node, first.stream, 2);
      expect(await client.next()).toMatchObject({ error: { code: "resume_failed", details: { reason: "ahead" } } });
    }
    first.exchange.finishChat();
  });

  test("it can be cancelled elsewhere before Redis knows it", async () => {
    await using nodes = await startCutOffOwner(redis(), newDirectory());
    const { upstream, owner, other, letGo } = nodes;
    using first = await openWith(owner, upstream, ["one"]);
    await fetch(`${other.url}/v1/streams/${first.stream}/cancel`, { method: "POST" });
    letGo();
    expect((await first.client.rest("one")).end.status).toBe("cancelled");
  });
});
