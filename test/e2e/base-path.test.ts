import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";

const PREFIX = "/claw/one";

/** A proxy that serves `target` below the prefix and takes it off. */
async function startStrippingProxy(target: string) {
  const server = createServer((request, response) => {
    const path = (request.url ?? "").startsWith(`${PREFIX}/`) ? (request.url ?? "").slice(PREFIX.length) : undefined;
    if (path === undefined) response.writeHead(404).end();
    else {
      const headers = { ...request.headers, host: new URL(target).host };
      const onward = httpRequest(target + path, { method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The addresses in the start page, as a browser resolves them. */
async function addressesIn(page: string): Promise<readonly string[]> {
  const html = await (await fetch(page)).text();
  return [...html.matchAll(/(?:href|src)="([\w/.-]+)"/g)].map(([, address = ""]) => new URL(address, page).href);
}

describe("below the path of a proxy", () => {
  test("the start page loads everything it refers to, although the gateway does not know the path", async () => {
    await using gateway = await startTestGateway();
    await using proxy = await startStrippingProxy(gateway.url);
    const files = (await addressesIn(`${proxy.url}${PREFIX}/`)).filter((address) => /\.(css|js)$/.test(address));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect([file, (await fetch(file)).status]).toEqual([file, 200]);
  });

  test("listen.basePath serves pages, APIs and sockets if the proxy keeps the path", async () => {
    await using gateway = await startTestGateway({ config: { listen: { port: 0, basePath: `${PREFIX}/` } } });
    for (const path of ["/", "/start.json", "/healthz", "/v1/models"]) {
      expect([path, (await fetch(gateway.url + path)).status]).toEqual([path, 200]);
      expect([path, (await fetch(gateway.url + PREFIX + path)).status]).toEqual([path, 200]);
    }
    await using client = await StreamClient.connect(gateway.url + PREFIX);
    await client.hello();
    expect((await fetch(`${gateway.url}/claw/onemore/healthz`)).status).toBe(404);
  });

  test("the prefix without its slash leads browsers to the page, whose addresses are relative, and serves sockets", async () => {
    await using gateway = await startTestGateway({ config: { listen: { port: 0, basePath: PREFIX } } });
    const led = await fetch(`${gateway.url}${PREFIX}?a=1`, { redirect: "manual" });
    expect([led.status, led.headers.get("location")]).toEqual([307, `${PREFIX}/?a=1`]);
    expect((await fetch(gateway.url + PREFIX)).url).toBe(`${gateway.url}${PREFIX}/`);
    await using client = await OpenClawClient.dial(gateway.url + PREFIX);
    expect(await client.connect()).toMatchObject({ type: "hello-ok" });
    expect((await fetch(`${gateway.url}${PREFIX}more`)).status).toBe(404);
  });
});
