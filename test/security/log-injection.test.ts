import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { prettyLines } from "../../src/observe/pretty-line.ts";
import { CONNECTION, linesOf, STREAM } from "../observe/log-lines.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { upgrade } from "../support/clients/upgrade.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { NASTY_STRINGS, OBEYED } from "../support/recordings/nasty-strings.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

/** A line of every kind with this text wherever somebody else's text may stand. */
function logAll(text: string, options: { readonly pretty: boolean }) {
  return linesOf((log) => {
    const error = new GatewayError("upstream_http_error", text, { details: { type: text, timer: text, status: 400 } });
    const terminal = { ...STREAM.terminal, status: "failed", finish: text, error } as const;
    const named = { stream: text, connection: text, face: text, caller: text, route: text, model: text };
    log.observer.streamEnded({ ...STREAM, ...named, terminal, anomalies: { [text]: 1 } });
    log.observer.connectionClosed({ ...CONNECTION, caller: text, remoteAddress: text, connection: text });
    log.observer.refused({ code: "unauthorized", remoteAddress: text, where: text });
    log.observer.fault(Object.assign(new Error(text), { name: text, code: text }), text);
    log.observer.fault(new GatewayError("store_unavailable", text), text);
    log.started({ version: text, url: text, authRequired: true, demo: true, routes: [text], models: [text] });
    log.stopped({ reason: text, uptimeMs: 1 });
  }, options);
}

describe("whatever names are used", () => {
  test.each(NASTY_STRINGS.map((text) => [text.slice(0, 60), text]))(
    "each line of the log is one: %j",
    async (_, text) => {
      const lines = await logAll(text, { pretty: false });
      expect(lines).toHaveLength(7);
      for (const line of lines) {
        expect(line).not.toMatch(OBEYED);
        expect(line.length).toBeLessThan(2_500);
        const { event, forged } = JSON.parse(line);
        expect([event, forged]).toEqual([
          expect.stringMatching(/^(stream|connection|refused|fault|started|stopped)$/),
          undefined,
        ]);
      }
      const pretty = await logAll(text, { pretty: true });
      expect(pretty).toHaveLength(7);
      for (const line of pretty) expect(line).not.toMatch(OBEYED);
    },
  );
});

test("a line for people contains nothing that a terminal obeys, even in a field not read as text", () => {
  const pretty = prettyLines(true);
  for (const text of NASTY_STRINGS) {
    const line = pretty(
      JSON.stringify({ level: "info", time: "2026-11-22T12:00:00Z", event: text, field: { a: [text] } }),
    );
    const [head, level, colon, said = "", end] = line.split("\u001b[");
    expect([head, level, colon, end]).toEqual([expect.stringMatching(/^\[[\d:.]+\] $/), "32mINFO", "39m: ", "39m\n"]);
    expect(said).not.toMatch(OBEYED);
  }
});

test("the running gateway logs, counts and returns them without harm", async () => {
  await using upstream = await startScriptedUpstream();
  const limits = {
    requests: { violationsPerMinute: 10_000, framesPerSecond: 10_000, inboundBytesPerSecond: 64 * 1_048_576 },
  };
  await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits } });
  using client = await (await StreamClient.connect(gateway.url)).hello();
  for (const text of NASTY_STRINGS) {
    client.send({ type: text });
    client.send({ type: "open", id: text, model: text, body: {} });
    client.send({ type: "open", id: "a", route: text, body: {} });
    client.send({ type: "resume", id: "a", stream: text, epoch: 1, after: 0 });
  }
  for (const [at, text] of NASTY_STRINGS.entries()) {
    upstream.respondWith((exchange) =>
      at % 2 === 0
        ? void exchange.json(400, { error: { type: text, message: text } })
        : void exchange
            .sse()
            .event({ choices: [{ index: 0, delta: { content: text }, finish_reason: text }] })
            .event({ error: { type: text, message: text, code: text } })
            .end(),
    );
    await client.run(`run-${at}`, {
      model: "gpt",
      body: { messages: [{ role: "user", content: text }] },
      retry: false,
    });
    const header = [...text.slice(0, 1_000)]
      .filter((char) => /[\t\x20-\x7e]/.test(char))
      .join("")
      .trim();
    const path = `/x${encodeURIComponent(text.slice(0, 1_000).toWellFormed())}`;
    const headers = { "user-agent": header, "x-forwarded-for": header, referer: header };
    expect((await upgrade(gateway.url, { path, headers })).status).toBe(404);
    expect((await fetch(`${gateway.url}${path}`)).status).toBe(404);
  }
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  for (const line of metrics.split("\n")) expect(line).toMatch(/^(#.*|\w+(\{(\w+="[\w.:+ -]*",?)*\})? \S+|)$/);
  expect(metrics).not.toMatch(/forged|DROP|passwd/);
  await gateway.close();
  // Every line parses; what cannot be shown is not in one; a fault would be ours.
  const events = new Set(gateway.log.lines.map(({ event }) => event));
  expect(events).toContain("stream");
  expect(events).toContain("refused");
  expect(events).not.toContain("fault");
  expect(gateway.log.text.replaceAll("\n", "")).not.toMatch(OBEYED);
  // What the gateway itself says about them is fit for a terminal; a provider's events are passed on as they came.
  const own = client.texts.filter((text) => /^\{"type":"(error|end)"/.test(text));
  expect(own.length).toBeGreaterThanOrEqual(4 * NASTY_STRINGS.length);
  for (const frame of own) expect(JSON.parse(frame).error?.message ?? "").not.toMatch(OBEYED);
});
