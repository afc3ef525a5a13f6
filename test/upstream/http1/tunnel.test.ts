import { describe, expect, test } from "@jest/globals";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { startConnectProxy, type TunnelScript } from "../../support/network/connect-proxy.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const ONCE = { mayRetry: false };
const CREDENTIALS = "operator:hunter2-of-the-proxy";

/** One call to an upstream that answers `hello`, by a proxy with this script. */
async function askBy(
  script?: TunnelScript,
  settings: { readonly credentials?: string } = {},
  timeouts: { readonly connectMs?: number } = {},
) {
  await using upstream = await startScriptedUpstream();
  upstream.respondWith((exchange) => void exchange.sse().event("hello").end());
  await using proxy = await startConnectProxy(script);
  const way = { url: proxy.url, ...settings };
  await using client = openUpstream(upstream.url, { proxy: way, timeouts });
  const { sink } = startCall(client, ONCE);
  const error = await sink.done;
  return {
    error,
    data: sink.data,
    asked: proxy.asked,
    upstream: new URL(upstream.url).host,
    requests: upstream.requests,
  };
}

const answering = (answer: string): TunnelScript => {
  return ({ socket }) => void socket.write(answer);
};

describe("a tunnel", () => {
  test("is asked for by the upstream's host and port, without credentials where none are configured", async () => {
    const { data, asked, upstream } = await askBy();
    expect(data).toEqual(["hello"]);
    expect(asked.map(({ line, headers }) => [line, headers])).toEqual([
      [`CONNECT ${upstream} HTTP/1.1`, { host: upstream }],
    ]);
  });

  test("is asked for with the credentials that the proxy wants", async () => {
    const script: TunnelScript = (asked) =>
      asked.headers["proxy-authorization"] === `Basic ${btoa(CREDENTIALS)}` ? asked.open() : asked.socket.end("no");
    expect((await askBy(script, { credentials: CREDENTIALS })).data).toEqual(["hello"]);
  });

  test("leads to an address of IPv6 in brackets", async () => {
    await using proxy = await startConnectProxy(answering("HTTP/1.1 403 No\r\n\r\n"));
    await using client = openUpstream("http://[::1]:9", { proxy: { url: proxy.url } });
    await startCall(client, ONCE).sink.done;
    expect(proxy.asked[0]?.line).toBe("CONNECT [::1]:9 HTTP/1.1");
  });

  test("is opened by an answer that comes byte by byte, behind an interim one", async () => {
    const script: TunnelScript = async ({ socket, open }) => {
      for (const byte of "HTTP/1.1 100 Continue\r\n\r\n") {
        socket.write(byte);
        await new Promise((turn) => setImmediate(turn));
      }
      await open();
    };
    expect((await askBy(script)).data).toEqual(["hello"]);
  });

  test("serves many calls, one after the other", async () => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => void exchange.sse().event("hello").end());
    await using proxy = await startConnectProxy();
    await using client = openUpstream(upstream.url, { proxy: { url: proxy.url } });
    for (let call = 0; call < 5; call++) expect(await startCall(client).sink.done).toBeUndefined();
    expect([proxy.asked.length, upstream.connections]).toEqual([1, 1]);
  });

  test("may begin at a proxy over TLS, whose certificate is verified", async () => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => void exchange.sse().event("hello").end());
    await using proxy = await startConnectProxy(undefined, { cert: CERTIFICATE, key: PRIVATE_KEY });
    const call = async (ca?: string) => {
      await using client = openUpstream(upstream.url, { proxy: { url: proxy.url }, ca });
      const { sink } = startCall(client, ONCE);
      return (await sink.done) ?? sink.data;
    };
    expect(await call(CERTIFICATE)).toEqual(["hello"]);
    expect(await call()).toMatchObject({
      message: expect.stringContaining("the proxy of the route test has a TLS certificate that does not fit"),
      retryable: false,
      details: { reason: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
  });

  test("gives a paused call what came before a RST, and tells of the cut", async () => {
    await using upstream = await startScriptedUpstream();
    await using proxy = await startConnectProxy();
    await using client = openUpstream(upstream.url, { proxy: { url: proxy.url } });
    const { call, sink } = startCall(client, ONCE);
    call.pause();
    const exchange = await upstream.request();
    exchange.sse().event("one").event("two");
    // A whole call over the same loop: what was on its way before it has arrived after it.
    const other = startCall(client, ONCE);
    (await upstream.request()).sse().end();
    await other.sink.done;
    exchange.reset();
    expect(await sink.done).toMatchObject({ code: "upstream_reset" });
    expect(sink.data).toEqual(["one", "two"]);
  });
});

describe("a proxy that opens no tunnel ends the call", () => {
  test.each<[string, TunnelScript, object, { readonly connectMs?: number }?]>([
    [
      "asks for credentials",
      answering(
        `HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="${CREDENTIALS}"\r\n\r\n`,
      ),
      { retryable: false, details: { reason: "proxy_refused", proxyStatus: 407 } },
    ],
    [
      "refuses",
      answering(`HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\n${CREDENTIALS}`),
      { retryable: false, details: { reason: "proxy_refused", proxyStatus: 403 } },
    ],
    [
      "cannot reach the upstream",
      answering("HTTP/1.1 503 Service Unavailable\r\n\r\n"),
      { retryable: true, details: { reason: "proxy_refused", proxyStatus: 503 } },
    ],
    ["redirects", answering("HTTP/1.1 302 Found\r\nlocation: http://x/\r\n\r\n"), { retryable: false }],
    [
      "closes without an answer",
      ({ socket }) => void socket.end(),
      { retryable: true, details: { reason: "proxy_silent" } },
    ],
    [
      "resets the connection",
      ({ socket }) => void socket.resetAndDestroy(),
      { retryable: true, details: { reason: "ECONNRESET" } },
    ],
    [
      "closes in the middle of its answer",
      ({ socket }) => void socket.end("HTTP/1.1 200 Conn"),
      { retryable: true, details: { reason: "proxy_silent" } },
    ],
    [
      "speaks no HTTP",
      answering("SSH-2.0-OpenSSH_9.6\r\n"),
      { retryable: false, details: { reason: "proxy_protocol" } },
    ],
    [
      "sends an endless head",
      answering(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}`),
      { retryable: false, details: { reason: "proxy_protocol" } },
    ],
    ["does not answer in time", () => {}, { retryable: true, details: { timer: "connect" } }, { connectMs: 300 }],
  ])("when it %s", async (_name, script, expected, timeouts = {}) => {
    const { error, requests } = await askBy(script, { credentials: CREDENTIALS }, timeouts);
    expect(error).toMatchObject({ code: "upstream_unreachable", ...expected });
    expect(requests).toBe(0);
    for (const secret of [CREDENTIALS, "hunter2", btoa(CREDENTIALS)]) {
      expect(JSON.stringify([error?.toBody(), String(error), String(error?.cause)])).not.toContain(secret);
    }
  });

  test.each([
    ["of a port where nobody listens", "http://127.0.0.1:1", "ECONNREFUSED"],
    ["of a name that does not exist", "http://no-such-proxy.invalid:3128", expect.stringMatching(/^E/)],
  ])("at the address %s", async (_name, url, reason) => {
    await using client = openUpstream("https://api.example.com", { proxy: { url } }, { retry: { maxRetries: 0 } });
    expect(await startCall(client).sink.done).toMatchObject({
      message: expect.stringContaining("the proxy of the route test cannot be reached"),
      details: { reason },
    });
  });

  test("and one that leaves while TLS begins in its tunnel is an upstream out of reach", async () => {
    const script: TunnelScript = ({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.once("data", () => socket.destroy()).resume();
    };
    await using proxy = await startConnectProxy(script);
    await using client = openUpstream("https://api.example.com", { proxy: { url: proxy.url } });
    expect(await startCall(client, ONCE).sink.done).toMatchObject({ code: "upstream_unreachable", retryable: true });
  });
});

describe("the guard of addresses", () => {
  test("holds for a literal address behind a proxy: it is not even asked", async () => {
    await using proxy = await startConnectProxy();
    await using client = openUpstream("http://10.0.0.1", { proxy: { url: proxy.url }, allowPrivateNetwork: false });
    expect((await startCall(client, ONCE).sink.done)?.details?.reason).toBe("address_not_allowed");
    expect(proxy.asked).toEqual([]);
  });

  test("leaves names to the proxy, which alone resolves them", async () => {
    await using proxy = await startConnectProxy(answering("HTTP/1.1 502 No\r\n\r\n"));
    const route = { proxy: { url: proxy.url }, allowPrivateNetwork: false };
    await using client = openUpstream("http://localhost:9", route);
    expect((await startCall(client, ONCE).sink.done)?.details?.reason).toBe("proxy_refused");
    expect(proxy.asked[0]?.line).toBe("CONNECT localhost:9 HTTP/1.1");
  });
});
