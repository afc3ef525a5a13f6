/** docs/faults.md, U16 to U18, U22, U24 and U25: what events contain. */
import { describe, expect, test } from "@jest/globals";
import { isDeeperThan, MAX_JSON_DEPTH } from "../../src/core/kernel/json.ts";
import { openRelay } from "../support/relay/relayed-stream.ts";
import { begin, COMPLETE, PARTIAL, whole } from "../support/upstreams/anthropic-script.ts";
import { play } from "../support/upstreams/play.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

describe("U16 malformed UTF-8", () => {
  const bytes = Buffer.concat([Buffer.from('data: {"a":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}\n\n')]);

  test("is replaced, and the stream flagged", async () => {
    const { terminal, data } = await play((exchange) => whole(exchange.sse().chunk(bytes)).end());
    expect(terminal).toMatchObject({ status: "completed", lastSeq: 5, lossy: true, usage: COMPLETE });
    expect(data[0]).toBe('{"a":"\ufffd"}');
  });

  test("fails a strict route", async () => {
    const { terminal } = await play((exchange) => exchange.sse().chunk(bytes), { route: { strictUtf8: true } });
    expect(terminal).toMatchObject({ status: "failed", lastSeq: 0, error: { code: "upstream_protocol" } });
  });
});

test("U17 characters, line ends and a byte order mark may be split anywhere", async () => {
  const body = Buffer.from('\ufeffdata: {"text":"é€😀"}\r\n\r\ndata: {"n":1}\r\rdata: {"n":2}\n\n');
  const head = { "content-type": "text/event-stream", "content-length": String(body.length) };
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, { dialect: "plain-sse" });
  for (let at = 1; at < body.length; at++) {
    const opened = relay.open();
    await (await upstream.request()).head(200, head).writePieces(body, [at]);
    expect(await opened.terminal).toMatchObject({ status: "completed", lossy: false });
    expect(opened.data).toEqual(['{"text":"é€😀"}', '{"n":1}', '{"n":2}']);
  }
});

test("U18 an event that is too large ends the stream after the ones before it", async () => {
  const { terminal } = await play((exchange) => begin(exchange.sse()).chunk(`data: ${"x".repeat(2_000)}`), {
    options: { maxEventBytes: 1_000 },
  });
  expect(terminal).toMatchObject({ status: "failed", lastSeq: 2, error: { code: "event_too_large" }, usage: PARTIAL });
});

describe("U22 usage that is missing", () => {
  test("altogether is estimated", async () => {
    const { terminal } = await play(
      (exchange) =>
        exchange
          .sse()
          .event({ choices: [{ delta: { content: "12345678" } }] })
          .event("[DONE]")
          .end(),
      { dialect: "openai-chat" },
    );
    expect(terminal).toMatchObject({ status: "completed", usage: { source: "estimated", outputTokens: 2 } });
  });

  test("for the output keeps the reported input", async () => {
    const { terminal } = await play(
      (exchange) =>
        exchange
          .sse()
          .event({ choices: [{ delta: { content: "12345678" } }], usage: { prompt_tokens: 7 } })
          .event("[DONE]")
          .end(),
      { dialect: "openai-chat" },
    );
    expect(terminal).toMatchObject({ usage: { source: "estimated", inputTokens: 7, outputTokens: 2 } });
  });
});

test("U24 data that is not JSON is relayed as text", async () => {
  const { terminal, entries } = await play((exchange) => whole(exchange.sse().event("{not json")).end());
  expect(terminal).toMatchObject({ status: "completed", lastSeq: 5 });
  expect(entries[0]).toMatchObject({ data: "{not json", raw: true });
  expect(entries[1]).toMatchObject({ raw: false });
});

test("U25 JSON nested too deep is relayed as text, unchanged", async () => {
  const deep = `${"[".repeat(MAX_JSON_DEPTH + 1)}${"]".repeat(MAX_JSON_DEPTH + 1)}`;
  expect(isDeeperThan(JSON.parse(deep), MAX_JSON_DEPTH)).toBe(true);
  const { terminal, entries } = await play((exchange) => whole(exchange.sse().event(deep)).end());
  expect(terminal).toMatchObject({ status: "completed", lastSeq: 5 });
  expect(entries[0]).toMatchObject({ data: deep, raw: true });
});
