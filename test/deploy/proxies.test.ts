import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { completeConfig } from "../../src/config/load.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";
import { caddy, DEPLOY, type FrontProxy, nginx } from "../support/network/front-proxy.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const NAME = "sluice.example.com";
const TOKEN = "a-token-of-32-characters-or-more-0123";
const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
const defaults = completeConfig(
  {
    routes: { a: { dialect: "plain-sse", baseUrl: "https://a.example.com" } },
    models: { a: { route: "a", model: "a" } },
  },
  { env: {}, cwd: "/nowhere" },
);
const body = { messages: [{ role: "user", content: "Hi" }] };

/** A POST below the proxy's address, as a client of its public name sends it. Resolves with the head of the answer. */
function post(address: string, content: string) {
  const headers = { host: NAME, authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const sent = request(address, { method: "POST", headers });
  sent.end(content);
  return new Promise<{ status: number | undefined; first: () => Promise<string>; cut: () => void }>(
    (resolve, reject) => {
      sent.once("error", reject).once("response", (answer) => {
        answer.setEncoding("utf8").on("error", () => {});
        resolve({
          status: answer.statusCode,
          first: () => new Promise((given) => answer.once("data", given)),
          cut: () => sent.destroy(),
        });
      });
    },
  );
}

describe.each([nginx, caddy])("behind $name with the file in deploy/", ({ name, missing, check, start }) => {
  const here = missing === undefined ? test : test.skip;
  const suffix = missing === undefined ? "" : ` (skipped: ${missing})`;
  let upstream: ScriptedUpstream;
  let gateway: TestGateway;
  let proxy: FrontProxy;
  beforeAll(async () => {
    if (missing !== undefined) return;
    upstream = await startScriptedUpstream();
    const listen = { port: 0, trustedProxies: ["127.0.0.1"] };
    const config = { listen, allowedHosts: [NAME], auth: { token: TOKEN } };
    gateway = await startTestGateway({ upstream: upstream.url, config });
    proxy = await start(gateway.url);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await gateway?.close();
    await upstream?.[Symbol.asyncDispose]();
  });

  here(`the program accepts the file${suffix}`, () => {
    expect(check()).toMatch(name === "nginx" ? /test is successful/ : /"upstreams":\[\{"dial":"127\.0\.0\.1:18789"/);
  });

  describe.each(["", "/sluice"])("below %j", (prefix) => {
    here(`the start page loads everything it refers to${suffix}`, async () => {
      const page = `${proxy.url}${prefix}/`;
      const html = await (await fetch(page)).text();
      const files = [...html.matchAll(/(?:href|src)="([\w/.-]+\.(?:css|js))"/g)].map(
        ([, file = ""]) => new URL(file, page),
      );
      expect(files.length).toBeGreaterThan(2);
      for (const file of files) expect([file.pathname, (await fetch(file)).status]).toEqual([file.pathname, 200]);
    });

    here(`a WebSocket of the public name carries each event as it comes${suffix}`, async () => {
      using client = await StreamClient.connect(proxy.url + prefix, { token: TOKEN, headers: { host: NAME } });
      await client.hello();
      client.send({ type: "open", id: "a", model: "gpt", body });
      const exchange = (await upstream.request()).sse().event(chunk("Hel"));
      expect(await client.take(({ type }) => type === "event")).toMatchObject({ seq: 1 });
      exchange.finishChat();
      expect(await client.take(({ type }) => type === "end")).toMatchObject({ status: "completed" });
    });

    here(`server-sent events come before the answer is over${suffix}`, async () => {
      const asked = post(
        `${proxy.url}${prefix}/v1/chat/completions`,
        JSON.stringify({ model: "gpt", stream: true, ...body }),
      );
      const exchange = (await upstream.request()).sse().event(chunk("Hel"));
      const answer = await asked;
      expect([answer.status, await answer.first()]).toEqual([200, expect.stringContaining("Hel")]);
      exchange.finishChat();
    });

    here(`a client that goes takes its upstream call along${suffix}`, async () => {
      const asked = post(
        `${proxy.url}${prefix}/v1/chat/completions`,
        JSON.stringify({ model: "gpt", stream: true, ...body }),
      );
      const exchange = (await upstream.request()).sse().event(chunk("Hel"));
      const answer = await asked;
      await answer.first();
      answer.cut();
      await exchange.closed;
    });
  });

  here(`a request as large as the gateway takes passes${suffix}`, async () => {
    const { apiBodyBytes } = defaults.limits;
    const withText = (text: string) => JSON.stringify({ model: "gpt", messages: [{ role: "user", content: text }] });
    const largest = withText("x".repeat(apiBodyBytes - withText("").length));
    expect(largest.length).toBe(apiBodyBytes);
    const asked = post(`${proxy.url}/v1/chat/completions`, largest);
    const exchange = await upstream.request();
    expect(exchange.body.length).toBeGreaterThan(apiBodyBytes - 100);
    exchange.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}");
    expect((await asked).status).toBe(400);
  });

  here(`the gateway knows the client's address, not the proxy's${suffix}`, async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, host: NAME };
    const socket = new WebSocket(`${proxy.url.replace("http", "ws")}/v1/stream`, ["sluice.v1"], {
      headers,
      localAddress: "127.0.0.2",
    });
    await new Promise((resolve, reject) => socket.once("message", resolve).once("error", reject));
    socket.close(1000);
    await new Promise((resolve) => socket.once("close", resolve));
    const connections = () => gateway.log.lines.filter(({ event }) => event === "connection");
    while (!connections().some(({ remoteAddress }) => remoteAddress === "127.0.0.2")) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  here(`another name than the configured one is refused${suffix}`, async () => {
    const wrong = StreamClient.connect(proxy.url, { token: TOKEN, headers: { host: "other.example.com" } });
    await expect(wrong).rejects.toThrow("403");
  });
});

describe("the values in deploy/nginx.conf", () => {
  const text = readFileSync(join(DEPLOY, "nginx.conf"), "utf8");
  const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
  /** A directive's time in milliseconds. */
  function timeOf(directive: string): number {
    const [, count = "", unit = ""] = new RegExp(`^\\s*${directive}\\s+(\\d+)([smh]);`, "m").exec(text) ?? [];
    return Number(count) * (UNITS[unit] ?? Number.NaN);
  }

  test("allow a stream to be silent for as long as the longest call may take", () => {
    const totalMs = defaults.routes.a?.timeouts.totalMs ?? Number.NaN;
    expect(timeOf("proxy_read_timeout")).toBeGreaterThanOrEqual(totalMs);
    expect(timeOf("proxy_send_timeout")).toBeGreaterThanOrEqual(totalMs);
  });

  test("give up an idle connection before the gateway does", () => {
    expect(timeOf("keepalive_timeout")).toBeLessThan(defaults.limits.sockets.keepAliveMs);
  });

  test("allow a request body of the gateway's own limit, and no more", () => {
    const [, mib = ""] = /client_max_body_size\s+(\d+)m;/.exec(text) ?? [];
    expect(Number(mib) * 1_048_576).toBe(defaults.limits.apiBodyBytes);
  });

  test("name the gateway's default port", () => {
    expect(text).toContain(`server 127.0.0.1:${defaults.listen.port};`);
  });
});

describe("the values in deploy/Caddyfile", () => {
  const text = readFileSync(join(DEPLOY, "Caddyfile"), "utf8").replace(/^\s*#.*$/gm, "");

  test("add no time limit, and nothing that hides a client's end", () => {
    expect(text).not.toMatch(/timeout|flush_interval/);
  });

  test("give up an idle connection before the gateway does, and name its default port", () => {
    const [, seconds = ""] = /\bkeepalive (\d+)s/.exec(text) ?? [];
    expect(Number(seconds) * 1_000).toBeLessThan(defaults.limits.sockets.keepAliveMs);
    expect(Number(seconds)).toBeGreaterThan(0);
    expect(text).toContain(`reverse_proxy 127.0.0.1:${defaults.listen.port} {`);
  });

  test("allow a request body of the gateway's own limit, and no more", () => {
    const [, mib = ""] = /max_size (\d+)MiB/.exec(text) ?? [];
    expect(Number(mib) * 1_048_576).toBe(defaults.limits.apiBodyBytes);
  });
});
