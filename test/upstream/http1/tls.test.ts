import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type TlsOptions } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import type { TlsSettings } from "../../../src/upstream/policy/trust.ts";
import { startCall } from "../../support/clients/loopback-call.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { type OpenUpstream, WAYS } from "../../support/jest/ways.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

/** An upstream over TLS that answers one event. */
async function secureUpstream(options: TlsOptions = {}) {
  const server = createServer({ cert: CERTIFICATE, key: PRIVATE_KEY, ...options }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: hello\n\n");
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

async function ask(openUpstream: OpenUpstream, url: string, settings: TlsSettings = {}) {
  await using client = openUpstream(url, settings);
  const { sink } = startCall(client, { mayRetry: false });
  const error = await sink.done;
  return error ? [error.code, error.details?.reason] : sink.data;
}

describe.each(WAYS)("an upstream over TLS, %s", (_way, openUpstream) => {
  test("is trusted by the certificates of its route", async () => {
    await using server = await secureUpstream();
    expect(await ask(openUpstream, `https://localhost:${server.port}`, { ca: CERTIFICATE })).toEqual(["hello"]);
  });

  test("is refused with a certificate that nobody trusts", async () => {
    await using server = await secureUpstream();
    const refused = ["upstream_unreachable", "DEPTH_ZERO_SELF_SIGNED_CERT"];
    expect(await ask(openUpstream, `https://localhost:${server.port}`)).toEqual(refused);
  });

  test("is refused under a name that its certificate does not have", async () => {
    await using server = await secureUpstream();
    expect(await ask(openUpstream, `https://127.0.0.1:${server.port}`, { ca: CERTIFICATE })).toEqual([
      "upstream_unreachable",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ]);
  });

  test("is refused when it speaks nothing newer than TLS 1.1", async () => {
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await using server = await secureUpstream(old);
    expect(await ask(openUpstream, `https://localhost:${server.port}`, { ca: CERTIFICATE })).toEqual([
      "upstream_unreachable",
      expect.stringMatching(/^ERR_SSL|EPROTO/),
    ]);
  });

  test("that asks for a certificate is shown the route's, and serves no call without one", async () => {
    await using server = await secureUpstream({ requestCert: true, rejectUnauthorized: true, ca: [CERTIFICATE] });
    const url = `https://localhost:${server.port}`;
    const clientCertificate = { cert: CERTIFICATE, key: PRIVATE_KEY };
    expect(await ask(openUpstream, url, { ca: CERTIFICATE, clientCertificate })).toEqual(["hello"]);
    expect(await ask(openUpstream, url, { ca: CERTIFICATE })).not.toEqual(["hello"]);
  });

  test("is refused when it speaks nothing newer than TLS 1.2 and its route wants 1.3", async () => {
    await using server = await secureUpstream({ maxVersion: "TLSv1.2" });
    const url = `https://localhost:${server.port}`;
    expect(await ask(openUpstream, url, { ca: CERTIFICATE })).toEqual(["hello"]);
    expect(await ask(openUpstream, url, { ca: CERTIFICATE, tlsMinVersion: "TLSv1.3" })).toEqual([
      "upstream_unreachable",
      expect.stringMatching(/^ERR_SSL|EPROTO/),
    ]);
  });

  test("is verified and called straight, whatever the environment says of certificates and proxies", async () => {
    await using proxy = await startScriptedUpstream();
    await using server = await secureUpstream();
    const ca = join(directory(), "ca.pem");
    writeFileSync(ca, CERTIFICATE);
    const route = { dialect: "plain-sse", baseUrl: `https://localhost:${server.port}` };
    const config = {
      ...configFor(""),
      routes: { trusted: { ...route, ca }, strange: route },
      models: { known: { route: "trusted", model: "m" } },
    };
    const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    const env = { ...Object.fromEntries(proxies.map((name) => [name, proxy.url])), NODE_USE_ENV_PROXY: "1" };
    await using gateway = await startSluice(config, { env: { ...env, NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    expect((await client.run("a", { route: "trusted", body: {} })).end.status).toBe("completed");
    expect((await client.run("b", { route: "strange", body: {}, retry: false })).end.error?.code).toBe(
      "upstream_unreachable",
    );
    expect(proxy.connections).toBe(0);
  });
});
