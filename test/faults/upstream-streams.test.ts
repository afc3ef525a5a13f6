/** docs/faults.md, U8 to U15, U21, U23, U26 and U27: faults of a stream that has begun. */
import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { openRelay } from "../support/relay/relayed-stream.ts";
import { begin, COMPLETE, PARTIAL, stop, whole } from "../support/upstreams/anthropic-script.ts";
import { play } from "../support/upstreams/play.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

test("U8 a stream without a first event times out, its input estimated", async () => {
  const { terminal } = await play((exchange) => exchange.sse(), { route: { timeouts: { firstEventMs: 30 } } });
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 0,
    error: { code: "upstream_timeout", details: { timer: "first_event" } },
    usage: { source: "estimated", outputTokens: 0 },
  });
  expect(terminal.usage.inputTokens).toBeGreaterThan(0);
});

test("U9 a stream that stalls times out and keeps what came", async () => {
  const { terminal } = await play((exchange) => begin(exchange.sse()), { route: { timeouts: { idleMs: 30 } } });
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 2,
    error: { code: "upstream_timeout", details: { timer: "idle" } },
    usage: PARTIAL,
  });
});

test("U10 comments and pings without data do not keep a stream alive forever", async () => {
  const { terminal } = await play(
    async (exchange) => {
      begin(exchange.sse());
      while (!exchange.isClosed) {
        exchange.chunk(": ping\n\n");
        await new Promise((turn) => setTimeout(turn, 5));
      }
    },
    { route: { timeouts: { idleMs: 1_000, progressMs: 50 } } },
  );
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 2,
    error: { code: "upstream_timeout", details: { timer: "progress" } },
    usage: PARTIAL,
  });
});

describe("a connection cut within an event", () => {
  const half = 'event: content_block_delta\ndata: {"type":"content_bl';

  test("U11 by a reset keeps the whole events", async () => {
    const { terminal } = await play(async (exchange, opened) => {
      begin(exchange.sse()).chunk(half);
      // What a reset overtakes in the kernel never arrives.
      await opened.received(2);
      exchange.reset();
    });
    expect(terminal).toMatchObject({
      status: "failed",
      lastSeq: 2,
      error: { code: "upstream_reset" },
      usage: PARTIAL,
    });
  });

  test("U12 by an end inside the chunked body keeps the whole events", async () => {
    const { terminal } = await play((exchange) => begin(exchange.sse()).chunk(half).finish());
    expect(terminal).toMatchObject({
      status: "failed",
      lastSeq: 2,
      error: { code: "upstream_truncated" },
      usage: PARTIAL,
    });
  });
});

describe("U13 a body that ends cleanly", () => {
  test("before the terminal is truncated", async () => {
    const { terminal } = await play((exchange) => begin(exchange.sse()).end());
    expect(terminal).toMatchObject({
      status: "failed",
      lastSeq: 2,
      error: { code: "upstream_truncated" },
      usage: PARTIAL,
    });
  });

  test("after a finish reason is complete in a dialect that ends with one", async () => {
    const { terminal } = await play(
      (exchange) =>
        exchange
          .sse()
          .event({ choices: [{ delta: { content: "Hi" }, finish_reason: "stop" }] })
          .end(),
      { dialect: "openai-chat" },
    );
    expect(terminal).toMatchObject({ status: "completed", lastSeq: 1, finish: "stop" });
  });

  test("is complete in plain SSE", async () => {
    const { terminal } = await play((exchange) => exchange.sse().event("one").end(), { dialect: "plain-sse" });
    expect(terminal).toMatchObject({ status: "completed", lastSeq: 1 });
  });
});

describe("U14 a body delimited only by the end of its connection", () => {
  const head = (exchange: ScriptedExchange) => exchange.head(200, { "content-type": "text/event-stream" });

  test("is truncated before the terminal", async () => {
    const { terminal } = await play((exchange) => head(exchange).write("data: {}\n\n").finish());
    expect(terminal).toMatchObject({ status: "failed", lastSeq: 1, error: { code: "upstream_truncated" } });
  });

  test("is complete after it", async () => {
    const { terminal } = await play((exchange) =>
      head(exchange).write('event: message_stop\ndata: {"type":"message_stop"}\n\n').finish(),
    );
    expect(terminal).toMatchObject({ status: "completed", lastSeq: 1 });
  });

  test("is not complete after a reset, in plain SSE", async () => {
    const { terminal } = await play(
      async (exchange, opened) => {
        head(exchange).write("data: {}\n\n");
        await opened.received(1);
        exchange.reset();
      },
      { dialect: "plain-sse" },
    );
    expect(terminal).toMatchObject({ status: "failed", error: { code: "upstream_reset" } });
  });
});

test("U15 broken chunk framing is a protocol error", async () => {
  const { terminal } = await play((exchange) => begin(exchange.sse()).write("xyz\r\n"));
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 2,
    error: { code: "upstream_protocol" },
    usage: PARTIAL,
  });
});

test("U21 an error event is relayed, then ends the stream with the usage seen so far", async () => {
  const failure = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  const { terminal, data } = await play((exchange) => begin(exchange.sse()).event(failure, "error").end().finish());
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 3,
    error: { code: "upstream_error_event", message: "Overloaded", details: { type: "overloaded_error" } },
    usage: PARTIAL,
  });
  expect(data.at(-1)).toBe(JSON.stringify(failure));
});

test("U23 nothing is relayed after the terminal, not even a second one", async () => {
  const { terminal, entries } = await play((exchange) => {
    stop(whole(exchange.sse())).event({ type: "message_start" }).end();
  });
  expect(terminal).toMatchObject({ status: "completed", lastSeq: 4, usage: COMPLETE });
  expect(entries.length).toBe(4);
});

test("U26 a stream that trickles runs into its total limit", async () => {
  // The clock of the call: nothing of the limit has passed when the events have come, however long that took.
  let now = 0;
  const clock = { now: () => now, wall: () => 0 };
  const { terminal } = await play(
    async (exchange, opened) => {
      begin(exchange.sse());
      await opened.received(2);
      for (; !exchange.isClosed; now += 5) {
        exchange.chunk("d");
        await new Promise((turn) => setTimeout(turn, 5));
      }
    },
    { route: { timeouts: { totalMs: 100 } }, options: { clock } },
  );
  expect(terminal).toMatchObject({
    status: "failed",
    lastSeq: 2,
    error: { code: "upstream_timeout", details: { timer: "total" } },
    usage: PARTIAL,
  });
});

test("U27 a body that continues after the terminal is cut off, long after the stream has ended", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, { route: { timeouts: { finishMs: 50 } } });
  const { terminal } = relay.open();
  const exchange = await upstream.request();
  whole(exchange.sse());
  expect(await terminal).toMatchObject({ status: "completed", lastSeq: 4, usage: COMPLETE });
  expect(exchange.isClosed).toBe(false);
  await exchange.closed;
});

test("a reader that cancels within the last event leaves one end and one record", async () => {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url);
  const opened = relay.open({
    onEntry: ({ data }) => {
      if (data.includes("message_stop")) opened.stream.cancel(new GatewayError("cancelled"));
      return true;
    },
  });
  const exchange = await upstream.request();
  whole(exchange.sse());
  expect(await opened.terminal).toMatchObject({ status: "cancelled", lastSeq: 4 });
  await exchange.closed;
  expect(relay.records.length).toBe(1);
});
