import { expect, test } from "@jest/globals";
import type { TestGateway } from "../../support/gateway.ts";
import { describeWithRedis } from "../../support/redis.ts";
import type { EventFrame, StreamClient } from "../../support/stream-client.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { turnsUntil } from "../../support/turns-until.ts";
import { chunk, nodeConfig, openOn, resumedOn, resumeOn, startTwoNodes } from "../../support/two-nodes.ts";

const newDirectory = temporaryDirectories();
const isEvent = (seq: number) => (frame: { type: string }) =>
  frame.type === "event" && (frame as EventFrame).seq === seq;

/** Resolves once a node has logged a change of its cluster, once more than before. */
function nextChange(gateway: TestGateway, kind: string): Promise<void> {
  const count = () => gateway.log.text.split(`"${kind}"`).length;
  const before = count();
  return turnsUntil(() => count() > before);
}

/** What a resume is answered with. */
async function answerOf(client: StreamClient) {
  const frame = await client.next();
  return frame.type === "error" ? [frame.error.code, frame.error.details?.reason] : [frame.type];
}

describeWithRedis("while Redis is away", (redis) => {
  test("streams go on where they run, and can be read on elsewhere once it is back", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream);
    first.exchange.event(chunk("one"));
    await first.client.take(isEvent(1));
    // Stopped, not killed: it has its data when it goes on.
    const away = Promise.all([nextChange(a, "redis_away"), nextChange(b, "redis_away")]);
    process.kill(redis().pid, "SIGSTOP");
    await away;
    first.exchange.event(chunk("two"));
    await first.client.take(isEvent(2));
    using refused = await resumeOn(b, first.stream, 1);
    expect(await answerOf(refused)).toEqual(["cluster_unavailable", undefined]);
    const back = Promise.all([nextChange(a, "redis_back"), nextChange(b, "redis_back")]);
    process.kill(redis().pid, "SIGCONT");
    await back;
    first.exchange.event(chunk("three"));
    await first.client.take(isEvent(3));
    using second = await resumeOn(b, first.stream, 1);
    expect(await answerOf(second)).toEqual(["resumed"]);
    await second.take(isEvent(3));
    first.exchange.finishChat();
    expect((await second.rest("one")).end).toMatchObject({ status: "completed", lastSeq: 5 });
    expect(upstream.requests).toBe(1);
  });

  test("a full log is trimmed all the same: elsewhere what was lost is a hole, on the owner there is none", async () => {
    const limits = { streams: { logEntries: 64 }, logBytes: 65_536 };
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory, { limits });
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream);
    first.exchange.event(chunk("one"));
    await first.client.take(isEvent(1));
    const away = Promise.all([nextChange(a, "redis_away"), nextChange(b, "redis_away")]);
    process.kill(redis().pid, "SIGSTOP");
    await away;
    for (let seq = 2; seq <= 200; seq++) first.exchange.event(chunk(`part ${seq}`));
    await first.client.take(isEvent(200));
    const back = Promise.all([nextChange(a, "redis_back"), nextChange(b, "redis_back")]);
    process.kill(redis().pid, "SIGCONT");
    await back;
    first.exchange.finishChat();
    await first.client.rest("one");
    const { prefix } = nodeConfig(redis(), directory).cluster.redis;
    await turnsUntil(async () => (await redis().ask("HGET", `${prefix}:stream:${first.stream}`, "end")) !== "");
    using early = await resumeOn(b, first.stream, 1);
    expect(await answerOf(early)).toEqual(["resume_failed", "evicted"]);
    using late = await resumeOn(b, first.stream, 199);
    const { events, end } = await late.rest("one");
    expect(events.map(({ seq }) => seq)).toEqual([200, 201, 202]);
    expect(end).toMatchObject({ status: "completed", lastSeq: 202 });
  });
});

describeWithRedis("a Redis that has lost its data", (redis) => {
  test("gets again what owners still have, of running streams and of kept ones", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using kept = await openOn(a, upstream);
    kept.exchange.event(chunk("kept")).finishChat();
    await kept.client.rest("one");
    using running = await openOn(a, upstream);
    running.exchange.event(chunk("one"));
    await running.client.take(isEvent(1));
    const lost = Promise.all([nextChange(a, "data_lost"), nextChange(b, "data_lost")]);
    await redis().kill();
    await redis().resume();
    await lost;
    using second = await resumedOn(b, running.stream);
    running.exchange.event(chunk("two")).finishChat();
    const { events, end } = await second.rest("one");
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(end.status).toBe("completed");
    using third = await resumeOn(b, kept.stream, 0);
    expect((await third.rest("one")).end).toMatchObject({ status: "completed", lastSeq: 3 });
  });

  test("does not disturb those who read elsewhere: each event once", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream);
    first.exchange.event(chunk("one"));
    await first.client.take(isEvent(1));
    using reader = await resumeOn(b, first.stream, 0);
    await reader.take(isEvent(1));
    const lost = Promise.all([nextChange(a, "data_lost"), nextChange(b, "data_lost")]);
    await redis().kill();
    first.exchange.event(chunk("two"));
    await redis().resume();
    await lost;
    first.exchange.event(chunk("three")).finishChat();
    const { events, end } = await reader.rest("one");
    expect(events.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    expect(end).toMatchObject({ status: "completed", lastSeq: 5 });
  });
});
