import { describe, expect, test } from "@jest/globals";
import { chunk, DONE, setUp } from "./set-up.ts";

describe("a long poll", () => {
  test("delivers every event once, round by round, and the end with the last events", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open({ model: "gpt" });
    upstream.sse();
    const seqs: number[] = [];
    for (let seq = 1; seq <= 5; seq++) {
      const round = up.poll(stream, `?wait=25s&after=${seq - 1}`);
      upstream.event(chunk(`${seq}`));
      const { epoch, events, end } = await round;
      expect({ epoch, events, end }).toEqual({ epoch: 1, events: [{ seq, data: chunk(`${seq}`) }], end: undefined });
      seqs.push(seq);
    }
    upstream.event(DONE).event("[DONE]").end();
    let after = 5;
    for (;;) {
      const { events, end } = await up.poll(stream, `?wait=25s&after=1-${after}`);
      for (const { seq } of events) seqs.push(seq);
      after = seqs.at(-1) ?? 0;
      if (!end) continue;
      expect(end).toMatchObject({ type: "end", status: "completed", finish: "stop", lastSeq: 7 });
      break;
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(up.upstream.requests).toBe(1);
  });

  test("carries the upstream's JSON unchanged, and other text as a string", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse().event('{ "a" : 1.0,\t"b":"\\u00e9" }', "x").event("not\nJSON").end();
    await client.rest("a");
    const { status, headers, text } = await up.poll(stream, "?wait=0");
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(text).toMatch(
      /^\{"epoch":1,"events":\[\{"seq":1,"event":"x","data":\{ "a" : 1\.0,\t"b":"\\u00e9" \}\},\{"seq":2,"data":"not\\nJSON","raw":true\}\],"end":\{/,
    );
  });

  test("returns no events at the end of its wait", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open();
    upstream.sse();
    expect(await up.poll(stream, "?wait=1ms")).toMatchObject({ status: 200, epoch: 1, events: [] });
    expect(await up.poll(stream, "?wait=0s")).toMatchObject({ status: 200, events: [] });
    upstream.event("1").end();
    expect(await up.poll(stream, "?wait=60s")).toMatchObject({ events: [{ seq: 1, data: 1 }] });
  });

  test("may wait longer than pingMs + pongMs", async () => {
    await using up = await setUp({ limits: { sockets: { pingMs: 10, pongMs: 10 } } });
    const { stream } = await up.open();
    expect(await up.poll(stream, "?wait=150ms")).toMatchObject({ status: 200, events: [] });
  });

  test("of an ended stream returns at once", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    upstream.sse().event("1").end();
    await client.rest("a");
    expect(await up.poll(stream, "?wait=60s&after=1")).toMatchObject({ events: [], end: { lastSeq: 1 } });
  });

  test.each(["61s", "60001", "soon", "-1", "1m", "", "1.5s"])("with wait=%s is a bad request", async (wait) => {
    await using up = await setUp();
    const { stream } = await up.open();
    expect(await up.poll(stream, `?wait=${wait}`)).toMatchObject({ status: 400, error: { code: "bad_request" } });
  });

  test("returns at most 1 MiB a round, and the end only with the last events", async () => {
    await using up = await setUp({ limits: { logBytes: 4_194_304 } });
    const { stream, upstream, client } = await up.open();
    const large = JSON.stringify("x".repeat(400_000));
    upstream.sse();
    for (let i = 0; i < 5; i++) upstream.event(large);
    upstream.end();
    await client.rest("a");
    const rounds = [];
    for (let after = 0, ended = false; !ended; ) {
      const { events, end } = await up.poll(stream, `?wait=25s&after=${after}`);
      rounds.push(events.map(({ seq }) => seq));
      after += events.length;
      ended = end !== undefined;
    }
    expect(rounds).toEqual([[1, 2], [3, 4], [5]]);
  });

  test("can be repeated after a lost response, even when the log is full", async () => {
    await using up = await setUp({ limits: { streams: { logEntries: 4 } } });
    const { stream, upstream } = await up.open();
    const first = up.poll(stream, "?wait=25s");
    upstream.sse().event("1");
    expect((await first).events).toHaveLength(1);
    for (let seq = 2; seq <= 20; seq++) upstream.event(`${seq}`);
    upstream.end();
    const seen: unknown[] = [];
    for (let after = 0, ended = false; !ended; ) {
      const { events } = await up.poll(stream, `?wait=25s&after=${after}`);
      const again = await up.poll(stream, `?wait=25s&after=${after}`);
      expect(again.events.slice(0, events.length)).toEqual(events);
      seen.push(...again.events.map(({ data }) => data));
      after = again.events.at(-1)?.seq ?? after;
      ended = again.end !== undefined;
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  });

  test("is superseded by a newer one", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open();
    const older = up.poll(stream, "?wait=25s");
    expect(await client.take(({ type }) => type === "detached")).toMatchObject({ code: "superseded" });
    const newer = up.poll(stream, "?wait=25s");
    expect(await older).toMatchObject({ status: 409, error: { code: "superseded" } });
    upstream.sse().event("1").end();
    expect(await newer).toMatchObject({ status: 200, events: [{ seq: 1 }] });
  });

  test("keeps a stream with away policy cancel alive between rounds, until no round follows in time", async () => {
    await using up = await setUp({ limits: { sockets: { pingMs: 1_500 } } });
    const { stream, upstream } = await up.open({ away: "cancel" });
    upstream.sse();
    for (let after = 0; after < 5; after++) {
      upstream.event(`${after + 1}`);
      expect(await up.poll(stream, `?wait=25s&after=${after}`)).toMatchObject({ events: [{ seq: after + 1 }] });
      expect(upstream.isClosed).toBe(false);
    }
    await upstream.closed;
    expect(await up.poll(stream, "?wait=25s&after=5")).toMatchObject({ end: { error: { code: "client_gone" } } });
  });

  test("whose client leaves while it waits detaches at once", async () => {
    await using up = await setUp();
    const { stream, upstream, client } = await up.open({ away: "cancel" });
    const leaving = new AbortController();
    const round = fetch(up.url(stream, "?wait=25s"), { signal: leaving.signal });
    await client.take(({ type }) => type === "detached");
    leaving.abort();
    await expect(round).rejects.toThrow("abort");
    await upstream.closed;
  });
});
