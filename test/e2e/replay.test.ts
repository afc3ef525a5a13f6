import { describe, expect, test } from "@jest/globals";
import { parseJson } from "../../src/core/kernel/json.ts";
import { dialects } from "../../src/dialects/registry.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { outerRecordings, type Recording, sources } from "../support/recordings/corpus.ts";
import { NOT_HERE } from "../support/recordings/outer-corpus.ts";
import { expectedFrame, MODEL_OF, sseBody } from "../support/recordings/recorded-body.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

if (!outerRecordings) test.skip(NOT_HERE, () => {});

/** How many recordings there are, and at least how many cuts of them are tried. */
const COUNTS = { own: { recordings: 68, cuts: 300 }, outer: { recordings: 106, cuts: 900 } };
const counted = sources.map((source) => ({ ...source, counts: source.own ? COUNTS.own : COUNTS.outer }));

/** The recorded clients asked for usage: without that its chunk would be hidden. */
const BODY = { messages: [], stream_options: { include_usage: true } };

/** Without a log, and with room for one stream after another. */
const FAST = { log: { level: "silent" }, limits: { opensPerSecond: 10_000 } };

/** Positions to cut a long recording at: spread evenly, the same in every run. */
const cuts = (events: number): number[] =>
  events <= 40 ? [...Array(events).keys()] : [...Array(12).keys()].map((step) => Math.floor((step * events) / 12));

/** After how many events the answer is whole, and after how many it is over: the decoder of its dialect says so. */
function extent(recording: Recording, answer: Recording["answers"][number]) {
  const dialect = dialects.get(recording.dialect);
  const decoder = dialect?.decoder();
  const meanings = answer.map(({ event, data }) => decoder?.read(event, parseJson(data), data));
  const whole = meanings.findIndex((meaning) => meaning?.complete !== undefined || meaning?.error !== undefined);
  const over = meanings.findIndex((meaning) => meaning?.complete === "now" || meaning?.error !== undefined);
  return {
    whole: dialect?.endsAtEof ? 0 : whole < 0 ? Number.POSITIVE_INFINITY : whole + 1,
    over: over < 0 ? answer.length : over + 1,
    failed: meanings.some((meaning) => meaning?.error !== undefined),
  };
}

describe.each(counted)("$from through the gateway", ({ recordings, counts }) => {
  test(`all ${counts.recordings} arrive bit-exact, in order, and end as they did`, async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { log: { level: "silent" } } });
    using client = await StreamClient.connect(gateway.url);
    expect(recordings.length).toBe(counts.recordings);
    let body = "";
    upstream.respondWith((_request) => {
      _request.sse().chunk(body).end();
    });
    let number = 0;
    for (const recording of recordings) {
      for (const answer of recording.answers) {
        const id = `r${++number}`;
        body = recording.body ?? sseBody(answer);
        const before = client.texts.length;
        const { end } = await client.run(id, {
          model: MODEL_OF[recording.dialect],
          flow: "none",
          body: BODY,
        });
        const frames = client.texts.slice(before).filter((text) => text.startsWith('{"type":"event"'));
        const { whole, over, failed } = extent(recording, answer);
        expect(frames).toEqual(answer.slice(0, over).map((event, at) => expectedFrame(id, at + 1, event)));
        expect([recording.title, whole <= answer.length]).toEqual([recording.title, true]);
        const fault = `${recording.title}: ${JSON.stringify(end)}`;
        expect([fault, end.status]).toEqual([fault, failed ? "failed" : "completed"]);
        expect([recording.title, failed]).toEqual([recording.title, recording.fails]);
      }
    }
  });

  test("truncated ones are reported as truncated, every time", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: FAST });
    using client = await StreamClient.connect(gateway.url);
    let body = "";
    upstream.respondWith((_request) => {
      _request.sse().chunk(body).end();
    });
    let checked = 0;
    for (const recording of recordings) {
      if (recording.dialect === "plain-sse") continue;
      for (const answer of recording.answers) {
        const { whole } = extent(recording, answer);
        for (const cut of cuts(Math.min(answer.length, whole))) {
          body = sseBody(answer.slice(0, cut)) || ": nothing\n\n";
          const model = MODEL_OF[recording.dialect];
          const { events, end } = await client.run(`c${++checked}`, { model, flow: "none", body: BODY });
          const fault = `${recording.title} cut at ${cut}`;
          expect([fault, end.error?.code, events.length]).toEqual([fault, "upstream_truncated", cut]);
        }
      }
    }
    expect(checked).toBeGreaterThan(counts.cuts);
  });

  test("32 at once on one socket, in mixed dialects, keep apart and stay bit-exact", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url });
    using client = await StreamClient.connect(gateway.url);
    const chosen = recordings.filter(({ answers, fails }) => answers.length === 1 && !fails).slice(0, 32);
    expect(chosen.length).toBe(32);
    // The prompt says which recording is wanted; pieces of 700 bytes make the streams interleave.
    upstream.respondWith(async (request) => {
      const wanted = chosen[JSON.parse(request.body).wanted]?.answers[0] ?? [];
      const bytes = Buffer.from(sseBody(wanted));
      request.head(200, { "content-type": "text/event-stream", "content-length": String(bytes.length) });
      await request.writePieces(
        bytes,
        [...Array(Math.floor((bytes.length - 1) / 700)).keys()].map((n) => (n + 1) * 700),
      );
    });
    for (const [at, { dialect }] of chosen.entries()) {
      const body = { ...BODY, wanted: at };
      client.send({ type: "open", id: `m${at}`, model: MODEL_OF[dialect], flow: "none", body });
    }
    const results = await Promise.all(chosen.map((_recording, at) => client.rest(`m${at}`)));
    for (const [at, recording] of chosen.entries()) {
      const frames = client.texts.filter((text) => text.startsWith(`{"type":"event","id":"m${at}",`));
      const expected = recording.answers[0]?.map((event, index) => expectedFrame(`m${at}`, index + 1, event));
      expect(frames).toEqual(expected);
      expect([recording.title, results[at]?.end.status]).toEqual([recording.title, "completed"]);
    }
    expect(new Set(chosen.map(({ dialect }) => dialect)).size).toBeGreaterThan(2);
  });
});
