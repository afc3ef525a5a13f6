import { expect, test } from "@jest/globals";
import { SseClient } from "../../support/clients/sse-client.ts";
import { letJudge, nameOf, prefixOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { chunk, endOn, isEvent, openOn, openWith, resumeOn, seqsOf } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

describeWithRedis("a stream of another node", (redis) => {
  test("is read on over a WebSocket, each event once and byte for byte, and to its end", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream);
    first.exchange.event(chunk("grüße")).event('{"n":1.0,  "big":12345678901234567890}').event("[DONE-NOT]");
    await first.client.take(isEvent(3));
    first.client.ws.terminate();
    using second = await resumeOn(b, first.stream, 1);
    expect(await second.next()).toMatchObject({ type: "resumed", stream: first.stream, epoch: 1, after: 1 });
    await second.take(isEvent(3));
    expect(second.texts.slice(-2)).toEqual([
      '{"type":"event","id":"one","seq":2,"data":{"n":1.0,  "big":12345678901234567890}}',
      '{"type":"event","id":"one","seq":3,"data":"[DONE-NOT]","raw":true}',
    ]);
    first.exchange.event(chunk("more")).finishChat();
    const { events, end } = await second.rest("one");
    expect(seqsOf(events)).toEqual([2, 4, 5, 6]);
    expect(end).toMatchObject({ status: "completed", lastSeq: 6, finish: "stop" });
    expect(upstream.requests).toBe(1);
  });

  test("is read from its beginning as server-sent events, and by long poll, after it has ended", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream);
    first.exchange.event(chunk("one")).event(chunk("two")).finishChat();
    await first.client.rest("one");
    using sse = await SseClient.open(`${b.url}/v1/streams/${first.stream}/events`);
    const { events, end } = await sse.rest();
    expect(events.map(({ id }) => id)).toEqual(["1-1", "1-2", "1-3", "1-4"]);
    expect(events[0]?.data).toBe(JSON.stringify(chunk("one")));
    expect(end).toMatchObject({ status: "completed", lastSeq: 4 });
  });

  test("is read by long poll as it comes", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    const poll = async (after: number) => {
      const response = await fetch(`${b.url}/v1/streams/${first.stream}/events?wait=25s&after=1-${after}`);
      return (await response.json()) as { events: { seq: number }[]; end?: object };
    };
    expect((await poll(0)).events).toEqual([{ seq: 1, data: chunk("one") }]);
    const next = poll(1);
    first.exchange.event(chunk("two"));
    expect((await next).events).toEqual([{ seq: 2, data: chunk("two") }]);
    first.exchange.finishChat();
    const rest: number[] = [];
    for (let after = 2; ; ) {
      const { events, end } = await poll(after);
      rest.push(...events.map(({ seq }) => seq));
      after = rest.at(-1) ?? after;
      if (end) break;
    }
    expect(rest).toEqual([3, 4]);
  });

  test("is refused to another caller, ahead of its end, in another epoch, and unknown", async () => {
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory);
    const { a, b, upstream } = nodes;
    using first = await openOn(a, upstream);
    first.exchange.event(chunk("one")).finishChat();
    await first.client.rest("one");
    const reasonOf = async (stream: string, position: string) => {
      const response = await fetch(`${b.url}/v1/streams/${stream}/events?after=${position}`);
      const { error } = (await response.json()) as { error: { code: string; details?: { reason: string } } };
      return [response.status, error.code, error.details?.reason];
    };
    expect(await reasonOf(first.stream, "1-4")).toEqual([410, "resume_failed", "ahead"]);
    expect(await reasonOf(first.stream, "2-1")).toEqual([410, "resume_failed", "epoch"]);
    await letJudge(redis(), directory);
    expect(await reasonOf("s_nobody", "1-0")).toEqual([410, "resume_failed", "unknown"]);
    // As after an outage: nobody knows then who else there is.
    await redis().ask("SET", `${prefixOf(directory)}:new:${await nameOf(b)}`, "");
    expect(await reasonOf("s_nobody", "1-0")).toEqual([503, "cluster_unavailable", undefined]);
  });

  test("is cancelled from there, whether or not it is read there", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    await fetch(`${b.url}/v1/streams/${first.stream}/cancel`, { method: "POST" });
    expect((await first.client.rest("one")).end.status).toBe("cancelled");
    await first.exchange.closed;
    using second = await openWith(a, upstream, ["one"]);
    using reader = await resumeOn(b, second.stream, 0);
    await reader.take(isEvent(1));
    reader.send({ type: "cancel", id: "one" });
    expect((await reader.rest("one")).end.status).toBe("cancelled");
    await second.exchange.closed;
    using third = await openOn(a, upstream);
    expect(await endOn(b, third.stream)).toBe("ended");
    expect((await third.client.rest("one")).end).toMatchObject({
      status: "cancelled",
      error: { message: expect.stringContaining("ended by an operator") },
    });
    expect(await endOn(b, third.stream)).toBe("404");
  });
});

describeWithRedis("of two readers on two nodes", (redis) => {
  test("the newest has the stream, whichever node it is on", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    using second = await resumeOn(b, first.stream, 0);
    expect(await second.next()).toMatchObject({ type: "resumed", previous: "superseded" });
    expect(await first.client.take(({ type }) => type === "detached")).toMatchObject({ code: "superseded" });
    using third = await resumeOn(a, first.stream, 1);
    expect(await third.next()).toMatchObject({ type: "resumed", previous: "superseded" });
    expect(await second.take(({ type }) => type === "detached")).toMatchObject({ code: "superseded" });
    first.exchange.event(chunk("two")).finishChat();
    expect(seqsOf((await third.rest("one")).events)).toEqual([2, 3, 4]);
  });

  test("a slow one on another node pauses the upstream, and it goes on when that one reads", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory(), {
      limits: { streams: { logEntries: 64 }, logBytes: 65_536 },
    });
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    first.client.ws.terminate();
    using second = await resumeOn(b, first.stream, 0, { flow: "ack" });
    expect(await second.next()).toMatchObject({ type: "resumed" });
    await second.take(isEvent(1));
    const text = "x".repeat(30_000);
    const filled = async () => {
      for (let sent = 0; sent < 40_000_000 && first.exchange.unsentBytes < 1_000_000; sent += text.length) {
        first.exchange.event(chunk(text));
        await new Promise((turn) => setImmediate(turn));
      }
      return first.exchange.unsentBytes;
    };
    expect(await filled()).toBeGreaterThanOrEqual(1_000_000);
    first.exchange.finishChat();
    let last = 1;
    for (;;) {
      second.send({ type: "ack", received: second.texts.length, streams: { one: last } });
      const frame = await second.take((candidate) => "id" in candidate && candidate.id === "one");
      if (frame.type === "end") break;
      expect(frame).toMatchObject({ type: "event", seq: last + 1 });
      last++;
    }
    expect(last).toBeGreaterThan(10);
  });
});
