import { describe, expect, test } from "@jest/globals";
import { SecretRedactor } from "../../../src/upstream/policy/secret-redactor.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const KEY = "abc+def/0123456789==";

describe("the credentials of a request are taken out of a text", () => {
  test.each([
    ["authorization", `Bearer ${KEY}`, `you sent ${KEY}, ${KEY}!`],
    ["authorization", `Bearer ${KEY}`, JSON.stringify({ key: KEY }).replaceAll("/", "\\/")],
    ["x-api-key", KEY, KEY],
    ["x-tenant-token", KEY, `(${KEY})`],
  ])("%s", (name, value, text) => {
    const masked = new SecretRedactor({ [name]: value }).mask(text);
    expect(masked).toContain("[redacted]");
    expect(masked).not.toContain("abc+def");
  });
});

describe("what is no secret stays", () => {
  test.each([
    ["a placeholder for a server without keys", { authorization: "Bearer sk-no-key-required" }],
    ["a short one", { authorization: "Bearer lm-studio-1" }],
    ["an address", { "http-referer": "https://example.org/2" }],
    ["a vendor's switch", { "anthropic-beta": "interleaved-thinking-2025-05-14" }],
  ])("%s", (_what, headers: Record<string, string>) => {
    const text = `about ${Object.values(headers).join().replace("Bearer ", "")} and more`;
    expect(new SecretRedactor(headers).mask(text)).toBe(text);
  });
});

/** Ways to quote the key. */
const QUOTES: Readonly<Record<string, (exchange: ScriptedExchange) => void>> = {
  "an HTTP error": (exchange) => exchange.json(401, { error: { message: `wrong key ${KEY}`, type: KEY } }),
  "an HTTP error, where its message is cut": (exchange) =>
    exchange.json(401, { error: { message: `${"no ".repeat(97)}${KEY}` } }),
  "an event": (exchange) =>
    exchange
      .sse()
      .event({ error: { message: `wrong key ${KEY}` } })
      .end(),
  "an event beyond ASCII": (exchange) =>
    exchange
      .sse()
      .event({ text: `→ ${KEY} ←` })
      .end(),
  "an event in pieces": (exchange) =>
    exchange
      .sse()
      .chunk(`data: {"text":"${KEY.slice(0, 9)}`)
      .chunk(`${KEY.slice(9)}"}\n\n`)
      .end(),
  "a last word that is no event": (exchange) =>
    exchange
      .sse()
      .chunk(JSON.stringify({ error: { message: `wrong key ${KEY}` } }))
      .end(),
};

test.each(Object.entries(QUOTES))(
  "an upstream that quotes the key it was given in %s is not repeated",
  async (_, say) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const { sink } = startCall(client, { headers: { authorization: `Bearer ${KEY}` }, mayRetry: false });
    const exchange = await upstream.request();
    expect(exchange.headers.authorization).toBe(`Bearer ${KEY}`);
    say(exchange);
    const error = await sink.done;
    const heard = JSON.stringify([sink.events, error?.toBody()]);
    expect(heard.length).toBeGreaterThan(20);
    expect(heard).not.toMatch(/abc\+def|0123456789/);
  },
);
