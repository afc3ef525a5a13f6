import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type TlsOptions } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import { connectionError } from "../../../src/upstream/http1/connection-error.ts";
import { startCall } from "../../support/clients/loopback-call.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { AUTHORITY, EXPIRED, NOT_YET_VALID, VOUCHED_FOR } from "../../support/network/test-authority.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

/** An upstream over TLS that answers one event, and counts the connections that were begun. */
async function secureUpstream(options: TlsOptions = {}) {
  const server = createServer({ cert: CERTIFICATE, key: PRIVATE_KEY, ...options }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: hello\n\n");
    });
  });
  let connections = 0;
  server.on("connection", () => connections++);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe.each(WAYS)("a certificate that is wrong, %s", (_way, openUpstream) => {
  test.each([
    ["expired", "localhost", EXPIRED, AUTHORITY, "CERT_HAS_EXPIRED"],
    ["not yet valid", "localhost", NOT_YET_VALID, AUTHORITY, "CERT_NOT_YET_VALID"],
    ["for another name", "127.0.0.1", VOUCHED_FOR, AUTHORITY, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["of an unknown authority", "localhost", VOUCHED_FOR, CERTIFICATE, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["signed by itself", "localhost", CERTIFICATE, AUTHORITY, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ])("%s, ends the call at once: one connection, not retryable", async (_name, host, cert, ca, reason) => {
    await using server = await secureUpstream({ cert });
    await using client = openUpstream(`https://${host}:${server.port}`, { ca }, { retry: { baseDelayMs: 0 } });
    const error = await startCall(client).sink.done;
    expect(error).toMatchObject({ code: "upstream_unreachable", retryable: false, details: { reason } });
    expect(error?.message).toContain(reason);
    expect(server.connections).toBe(1);
  });

  test("says nothing about whether the upstream can be reached: the breaker stays closed", async () => {
    await using server = await secureUpstream();
    await using client = openUpstream(`https://localhost:${server.port}`, {}, { breaker: { failures: 2 } });
    for (let call = 0; call < 4; call++) {
      expect((await startCall(client).sink.done)?.details?.reason).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    }
    expect(server.connections).toBe(4);
  });

  test.each([
    ["connecting", "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE"],
    ["waiting", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"],
    ["connecting", "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"],
  ] as const)("is as final where the upstream asks for one of ours: while %s, %s", (stage, reason) => {
    const alert = Object.assign(new Error("alert"), { code: reason });
    expect(connectionError(alert, stage)).toMatchObject({
      code: "upstream_unreachable",
      retryable: false,
      details: { reason },
    });
  });
});

describe.each(WAYS)("a certificate that the system trusts, %s", (_way, openUpstream) => {
  test("is trusted: the upstream is reached with nothing in the configuration, and not without", async () => {
    const file = join(directory(), "authorities.pem");
    writeFileSync(file, AUTHORITY);
    await using server = await secureUpstream({ cert: VOUCHED_FOR });
    const route = { dialect: "plain-sse", baseUrl: `https://localhost:${server.port}` };
    const config = { ...configFor(""), routes: { company: route }, models: { m: { route: "company", model: "m" } } };
    const statusWith = async (env: Record<string, string>) => {
      await using gateway = await startSluice(config, { env });
      using client = await (await StreamClient.connect(gateway.url)).hello();
      const { end } = await client.run("a", { route: "company", body: {}, retry: false });
      return end.error?.details?.reason ?? end.status;
    };
    expect(await statusWith({ SSL_CERT_FILE: file })).toBe("completed");
    expect(await statusWith({})).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  test("is not, where the route names its own", async () => {
    await using server = await secureUpstream();
    await using client = openUpstream(`https://localhost:${server.port}`, { ca: AUTHORITY });
    expect((await startCall(client).sink.done)?.details?.reason).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
  });
});
