import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { ScriptedExchange } from "../../support/upstreams/scripted-upstream.ts";
import { setUp } from "./set-up.ts";

const EVENT_BYTES = 65_536;
const EVENTS = 400;
/** What a running stream counts beside its log. */
const STREAM_BYTES = 64 * 1024;
const digest = (texts: readonly string[]) => {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text);
  return hash.digest("hex");
};

/** More than the kernel's buffers between upstream, gateway and client swallow. */
const EVENT_TEXTS = Array.from({ length: EVENTS }, (_, at) => JSON.stringify(`${at}`.padEnd(EVENT_BYTES, "x")));

/** Writes them all, each when the gateway took the one before; resolves when the last one is gone. */
async function flood(upstream: ScriptedExchange, written = { events: 0 }): Promise<void> {
  upstream.sse();
  for (const text of EVENT_TEXTS) {
    const bytes = `data: ${text}\n\n`;
    await upstream.writePieces(`${bytes.length.toString(16)}\r\n${bytes}\r\n`, []);
    written.events++;
  }
  upstream.end();
}

describe("a reader of an event stream that stalls", () => {
  test("pauses the upstream once the log is full, and later receives everything unchanged", async () => {
    await using up = await setUp({ limits: { logBytes: 262_144 } });
    const { stream, upstream } = await up.open();
    const reader = await up.read(stream, "", {}, true);
    const written = { events: 0 };
    const flooded = flood(upstream, written);
    await up.metric("sluice_log_bytes", (bytes) => bytes >= 262_144 + STREAM_BYTES);
    expect(written.events).toBeLessThan(EVENTS);
    reader.resume();
    await flooded;
    const { events, end } = await reader.rest();
    expect(end).toMatchObject({ status: "completed", lastSeq: EVENTS });
    expect(events.map(({ id }) => id)).toEqual(EVENT_TEXTS.map((_, at) => `1-${at + 1}`));
    expect(digest(events.map(({ data }) => data))).toBe(digest(EVENT_TEXTS));
    await up.metric('sluice_upstream_pauses_total{route="plain"}', (pauses) => pauses > 0);
  });

  test("for too long fails the stream as slow_consumer, and sees that when it reads on", async () => {
    await using up = await setUp({ limits: { logBytes: 262_144, streams: { pausedMs: 1 } } });
    const { stream, upstream } = await up.open();
    const reader = await up.read(stream, "", {}, true);
    const flooded = flood(upstream);
    await upstream.closed;
    reader.resume();
    const { events, end } = await reader.rest();
    expect(end).toMatchObject({ status: "failed", lastSeq: events.length, error: { code: "slow_consumer" } });
    await flooded;
  });

  test("for longer than pingMs + pongMs is disconnected", async () => {
    await using up = await setUp({ limits: { sockets: { pingMs: 50, pongMs: 50 } } });
    const { stream, upstream } = await up.open({ away: "cancel" });
    const reader = await up.read(stream, "", {}, true);
    const flooded = flood(upstream);
    await upstream.closed;
    reader.resume();
    expect(await reader.closed).toBe(false);
    expect(up.gateway.log.lines).toContainEqual(expect.objectContaining({ event: "stream", code: "client_gone" }));
    await flooded;
  });

  test("does not keep the gateway from closing", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open();
    const reader = await up.read(stream, "", {}, true);
    const flooded = flood(upstream);
    await up.metric("sluice_log_bytes", (bytes) => bytes >= 1_048_576 + STREAM_BYTES);
    await up.gateway.close();
    reader.resume();
    expect(await reader.closed).toBe(false);
    await flooded;
  });
});

describe("a reader of an event stream that leaves", () => {
  test("leaves the stream running, and can resume it", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open();
    const reader = await up.read(stream);
    upstream.sse().event("1");
    await reader.take();
    reader.cut();
    await up.metric('sluice_streams{state="parked"}', (parked) => parked === 1);
    expect(upstream.isClosed).toBe(false);
    upstream.event("2").end();
    expect((await (await up.read(stream, "?after=1")).rest()).events).toMatchObject([{ id: "1-2", data: "2" }]);
  });

  test("ends a stream whose away policy is cancel", async () => {
    await using up = await setUp();
    const { stream, upstream } = await up.open({ away: "cancel" });
    (await up.read(stream)).cut();
    await upstream.closed;
    expect(await up.poll(stream, "?wait=25s")).toMatchObject({
      end: { status: "cancelled", error: { code: "client_gone" } },
    });
  });

  test("is counted while it reads", async () => {
    await using up = await setUp();
    const { stream } = await up.open();
    const reader = await up.read(stream);
    await up.metric('sluice_connections{face="http-streams"}', (open) => open === 1);
    reader.cut();
    await up.metric('sluice_connections{face="http-streams"}', (open) => open === 0);
  });
});

describe("a stopping gateway", () => {
  test("ends event streams and long polls with their streams' end events", async () => {
    await using up = await setUp();
    const [read, polled] = [await up.open(), await up.open()];
    const reader = await up.read(read.stream);
    const round = up.poll(polled.stream, "?wait=25s");
    await polled.client.take(({ type }) => type === "detached");
    const closed = up.gateway.close();
    const stopped = { status: "failed", error: { code: "shutting_down", retryable: true } };
    expect((await reader.rest()).end).toMatchObject(stopped);
    expect((await round).end).toMatchObject(stopped);
    await closed;
  });
});
