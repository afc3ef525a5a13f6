import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { setUp } from "./set-up.ts";

describe("a stream that moves between WebSocket and HTTP", () => {
  test("by its id loses and repeats nothing, and the previous reader is told", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse().event("1");
    expect(await client.take(({ type }) => type === "event")).toMatchObject({ seq: 1, data: 1 });

    const reader = await up.read(stream, "?after=1");
    expect(await client.take(({ type }) => type === "detached")).toMatchObject({ id: "a", code: "superseded" });
    upstream.event("2");
    expect(await reader.take()).toMatchObject({ id: "1-2", data: "2" });

    const back = await up.connect();
    back.send({ type: "resume", id: "b", stream, epoch: 1, after: 2 });
    expect(await back.take(({ type }) => type === "resumed")).toMatchObject({ previous: "superseded" });
    expect(await reader.take()).toMatchObject({ event: "sluice.detached", data: '{"code":"superseded"}' });
    expect(await reader.closed).toBe(true);
    upstream.event("3").end();
    const { events, end } = await back.rest("b");
    expect(events.map(({ seq }) => seq)).toEqual([3]);
    expect(end.status).toBe("completed");
  });

  test("is not taken back by an EventSource that was detached from it", async () => {
    await using up = await setUp();
    const { stream } = await up.open();
    const older = await up.read(stream);
    const newer = await up.read(stream);
    expect(await older.take()).toMatchObject({ event: "sluice.detached", id: "1-0-over" });
    expect((await up.read(stream, "", { "last-event-id": older.lastEventId ?? "" })).status).toBe(204);
    up.upstream.respondWith(() => {});
    await up.cancel(stream);
    expect((await newer.rest()).end).toMatchObject({ status: "cancelled" });
  });

  test("at random, with readers cut off midway, is delivered once in full", async () => {
    await using up = await setUp();
    const how = fc.constantFrom("socket", "events", "poll");
    const step = fc.record({ how, count: fc.nat({ max: 12 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.integer({ min: 1, max: 60 }), async (steps, total) => {
        const { stream, upstream } = await up.open();
        const seen: string[] = [];
        const read = {
          async socket(until: number) {
            using reader = await up.connect();
            reader.send({ type: "resume", id: "r", stream, epoch: 1, after: seen.length, flow: "none" });
            while (seen.length < until) {
              const frame = await reader.take(({ type }) => type === "event");
              if ("data" in frame) seen.push(String(frame.data));
            }
          },
          async events(until: number) {
            using reader = await up.read(stream, "", { "last-event-id": `1-${seen.length}` });
            while (seen.length < until) seen.push((await reader.take()).data);
          },
          async poll(until: number) {
            while (seen.length < until) {
              const { events } = await up.poll(stream, `?wait=25s&after=${seen.length}`);
              for (const { data } of events.slice(0, until - seen.length)) seen.push(String(data));
            }
          },
        };
        upstream.sse();
        for (let seq = 1; seq <= total; seq++) upstream.event(`${seq * 7}`);
        upstream.end();
        for (const { how, count } of steps) await read[how](Math.min(total, seen.length + count));
        await read.poll(total);
        expect(seen).toEqual(Array.from({ length: total }, (_, at) => String((at + 1) * 7)));
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});
