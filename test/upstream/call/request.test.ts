import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describe("a request", () => {
  test("is a POST of the body as it was given, and says what it accepts", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, {}, { version: "1.2.3" });
    const { call } = startCall(client, { body: '{"text":"é€😀"}', headers: { "x-api-key": "secret" } });
    const { method, path, body, headers } = await upstream.request();
    call.abort();
    expect({ method, path, body }).toEqual({ method: "POST", path: "/v1/messages", body: '{"text":"é€😀"}' });
    expect(headers).toEqual({
      host: new URL(upstream.url).host,
      connection: "keep-alive",
      "content-length": String(Buffer.byteLength(body)),
      "content-type": "application/json",
      accept: "text/event-stream",
      "accept-encoding": "identity",
      "cache-control": "no-cache",
      "user-agent": "sluice/1.2.3",
      "x-api-key": "secret",
    });
  });

  test.each([
    ["", "/v1/chat", "/v1/chat"],
    ["/", "/v1/chat", "/v1/chat"],
    ["/openai/v1", "/chat", "/openai/v1/chat"],
    ["/openai/v1/", "/chat", "/openai/v1/chat"],
    ["/events/", "", "/events/"],
    ["", "", "/"],
  ])("below base path %p for %p goes to %p", async (basePath, below, path) => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url + basePath);
    const { call } = startCall(client, { path: below });
    expect((await upstream.request()).path).toBe(path);
    call.abort();
  });
});

describe("request headers", () => {
  /** What arrives of these headers. */
  async function sent(given: Record<string, string>, allowHeaders: readonly string[] = []) {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { allowHeaders });
    const { call } = startCall(client, { headers: given });
    const { headers } = await upstream.request();
    call.abort();
    return headers;
  }

  test("pass when dialects use them", async () => {
    const given = {
      Authorization: "Bearer key",
      "api-key": "key",
      "anthropic-version": "2023-06-01",
      "OpenAI-Organization": "org",
    };
    expect(await sent(given)).toMatchObject({
      authorization: "Bearer key",
      "api-key": "key",
      "anthropic-version": "2023-06-01",
      "openai-organization": "org",
    });
  });

  test("pass when the route names them, whatever their case", async () => {
    const headers = await sent({ "HTTP-Referer": "https://example.org", "x-title": "a" }, ["http-referer"]);
    expect(headers["http-referer"]).toBe("https://example.org");
    expect(headers["x-title"]).toBeUndefined();
  });

  test.each([
    "host",
    "cookie",
    "connection",
    "transfer-encoding",
    "content-length",
    "te",
    "upgrade",
    "expect",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "proxy-authorization",
  ])("never pass when they are %s, even when the route names it", async (name) => {
    expect(JSON.stringify(await sent({ [name]: "intruder" }, [name]))).not.toContain("intruder");
  });

  test("cannot replace what every request says, but for the user agent", async () => {
    const given = { accept: "text/html", "accept-encoding": "gzip", "user-agent": "mine" };
    expect(await sent(given, Object.keys(given))).toMatchObject({
      accept: "text/event-stream",
      "accept-encoding": "identity",
      "user-agent": "mine",
    });
  });

  test.each(["\r\nx-injected: 1", "\n", "\u0000b", "\u007f", "“quoted”"])(
    "with a value that cannot be sent fail the call: %j",
    async (value) => {
      await using upstream = await startScriptedUpstream();
      await using client = openUpstream(upstream.url);
      const error = await startCall(client, { headers: { authorization: `canary${value}` } }).sink.done;
      expect(error).toMatchObject({ code: "internal", retryable: false, details: { header: "authorization" } });
      expect(JSON.stringify(error?.toBody())).not.toContain("canary");
      expect(upstream.connections).toBe(0);
    },
  );
});
