import { expect, test } from "@jest/globals";
import type { StreamClient } from "../../support/clients/stream-client.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { prefixOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { chunk, isEvent, openWith, resumedOn, resumeOn, seqsOf } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { during, frozen, nextChange } from "../../support/stores/redis-outage.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

/** What a resume is answered with. */
async function answerOf(client: StreamClient) {
  const frame = await client.next();
  return frame.type === "error" ? [frame.error.code, frame.error.details?.reason] : [frame.type];
}

describeWithRedis("while Redis is away", (redis) => {
  test("streams go on where they run, and can be read on elsewhere once it is back", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    await during(frozen(redis()), [a, b], async () => {
      first.exchange.event(chunk("two"));
      await first.client.take(isEvent(2));
      using refused = await resumeOn(b, first.stream, 1);
      expect(await answerOf(refused)).toEqual(["cluster_unavailable", undefined]);
    });
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
    using first = await openWith(a, upstream, ["one"]);
    await during(frozen(redis()), [a, b], async () => {
      for (let seq = 2; seq <= 200; seq++) first.exchange.event(chunk(`part ${seq}`));
      await first.client.take(isEvent(200));
    });
    first.exchange.finishChat();
    await first.client.rest("one");
    const kept = `${prefixOf(directory)}:stream:${first.stream}`;
    await turnsUntil(async () => (await redis().ask("HGET", kept, "end")) !== "");
    using early = await resumeOn(b, first.stream, 1);
    expect(await answerOf(early)).toEqual(["resume_failed", "evicted"]);
    using late = await resumeOn(b, first.stream, 199);
    const { events, end } = await late.rest("one");
    expect(seqsOf(events)).toEqual([200, 201, 202]);
    expect(end).toMatchObject({ status: "completed", lastSeq: 202 });
  });
});

describeWithRedis("a Redis that has lost its data", (redis) => {
  test("gets again what owners still have, of running streams and of kept ones", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using kept = await openWith(a, upstream, ["kept"]);
    kept.exchange.finishChat();
    await kept.client.rest("one");
    using running = await openWith(a, upstream, ["one"]);
    const lost = nextChange([a, b], "data_lost");
    await redis().kill();
    await redis().resume();
    await lost;
    using second = await resumedOn(b, running.stream);
    running.exchange.event(chunk("two")).finishChat();
    const { events, end } = await second.rest("one");
    expect(seqsOf(events)).toEqual([1, 2, 3, 4]);
    expect(end.status).toBe("completed");
    using third = await resumeOn(b, kept.stream, 0);
    expect((await third.rest("one")).end).toMatchObject({ status: "completed", lastSeq: 3 });
  });

  test("does not disturb those who read elsewhere: each event once", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    using reader = await resumeOn(b, first.stream, 0);
    await reader.take(isEvent(1));
    const lost = nextChange([a, b], "data_lost");
    await redis().kill();
    first.exchange.event(chunk("two"));
    await redis().resume();
    await lost;
    first.exchange.event(chunk("three")).finishChat();
    const { events, end } = await reader.rest("one");
    expect(seqsOf(events)).toEqual([2, 3, 4, 5]);
    expect(end).toMatchObject({ status: "completed", lastSeq: 5 });
  });
});
