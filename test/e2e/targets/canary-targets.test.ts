/** The secrets of several targets, of their keys, proxies and certificates: what of them gets out when all of it fails. */
import { createPrivateKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { runSluice } from "../../support/gateways/run-sluice.ts";
import { startSluice, writeConfig } from "../../support/gateways/sluice-process.ts";
import { startConnectProxy } from "../../support/network/connect-proxy.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { answer } from "../../support/upstreams/several-targets.ts";

const directory = temporaryDirectories();

/** Text that occurs nowhere else, and that nothing takes for a credential. */
const canary = (): string => `canary${randomBytes(6).toString("hex")}`;

test("no key in turn, proxy credential, client certificate's key or passphrase is logged, counted, reported or told", async () => {
  const keys = [`sk-${canary()}`, `sk-${canary()}`];
  const credentials = `${canary()}:${canary()}`;
  const passphrase = canary();
  const [user = "", password = ""] = credentials.split(":");
  const basic = Buffer.from(credentials).toString("base64");
  const pem = createPrivateKey(PRIVATE_KEY).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase });
  const lines = [PRIVATE_KEY, String(pem)].flatMap((text) => text.split("\n").filter((line) => line.length > 40));
  // The beginning of the plain key says only what kind of key it is.
  const secrets = [...keys, user, password, basic, passphrase, ...lines.slice(1)];

  const path = directory();
  writeFileSync(join(path, "cert.pem"), CERTIFICATE);
  await using upstream = await startScriptedUpstream();
  const asked: string[] = [];
  upstream.respondWith((exchange) => {
    const key = exchange.headers.authorization ?? "none";
    asked.push(key);
    if (keys.some((one) => key.includes(one)))
      exchange.json(401, { error: { message: `${key} is wrong, not ${keys.join()}`, code: "invalid_api_key" } });
    else answer(exchange);
  });
  // A proxy that quotes what it was told, in every place where it can.
  await using proxy = await startConnectProxy(({ headers, socket }) => {
    const said = `${headers["proxy-authorization"]} ${credentials}`;
    socket.end(`HTTP/1.1 407 ${said}\r\nx-said: ${said}\r\ncontent-length: ${said.length}\r\n\r\n${said}`);
  });
  const peers: string[] = [];
  const tls = { key: PRIVATE_KEY, cert: CERTIFICATE, ca: CERTIFICATE, requestCert: true, rejectUnauthorized: false };
  const guarded = createServer(tls, ({ socket }, response) => {
    const peer = socket instanceof TLSSocket ? JSON.stringify(socket.getPeerCertificate()) : "";
    peers.push(peer);
    response.writeHead(503, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: `not you: ${peer}` } }));
  }).listen(0, "localhost");
  await once(guarded, "listening");
  await using _ = {
    async [Symbol.asyncDispose]() {
      guarded.closeAllConnections();
      await new Promise((closed) => guarded.close(closed));
    },
  };
  const { port } = guarded.address() as AddressInfo;
  const chat = { dialect: "openai-chat", baseUrl: `${upstream.url}/v1` };
  const names = ["keyed", "tunnelled", "guarded"];
  const targets = names.map((route) => ({ route, model: "m" }));
  const config = {
    data: { directory: path },
    log: { level: "debug", pretty: false },
    routes: {
      keyed: { ...chat, keys: [{ env: "KEY_1" }, { env: "KEY_2" }] },
      tunnelled: { ...chat, proxy: { url: proxy.url, credentials: { env: "PROXY_CREDENTIALS" } } },
      guarded: {
        ...chat,
        baseUrl: `https://localhost:${port}/v1`,
        ca: join(path, "cert.pem"),
        clientCertificate: {
          cert: join(path, "cert.pem"),
          key: { env: "CLIENT_KEY" },
          passphrase: { env: "CLIENT_PASSPHRASE" },
        },
      },
      good: { ...chat, key: "sk-key-of-the-good-one" },
    },
    models: {
      smart: { targets: [...targets, { route: "good", model: "m" }] },
      broken: { targets },
      ...Object.fromEntries(names.map((route) => [route, { route, model: "m" }])),
    },
  };
  const env = {
    ...{ KEY_1: keys[0] ?? "", KEY_2: keys[1] ?? "", PROXY_CREDENTIALS: credentials },
    ...{ CLIENT_KEY: String(pem), CLIENT_PASSPHRASE: passphrase },
  };
  await using sluice = await startSluice(config, { env });
  const told: string[] = [];
  {
    using client = await (await StreamClient.connect(sluice.url)).hello();
    for (const model of ["smart", "broken", ...names]) {
      const { end } = await client.run(model, { model, body: { messages: [] }, retry: false });
      expect([model, end.status]).toEqual([model, model === "smart" ? "completed" : "failed"]);
      const response = await fetch(`${sluice.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [], stream: model !== "broken" }),
      });
      told.push(JSON.stringify([...response.headers]), await response.text());
    }
    using chats = await OpenClawClient.dial(sluice.url);
    await chats.connect();
    for (const method of ["config.get", "models.list", "logs.tail"]) {
      told.push(JSON.stringify(await chats.request(method, {}).catch((error: unknown) => String(error))));
    }
    told.push(...client.texts, JSON.stringify(chats.frames));
  }
  for (const page of ["/metrics", "/v1/targets", "/v1/usage", "/start.json", "/v1/models"]) {
    told.push(await (await fetch(sluice.url + page)).text());
  }
  for (const command of ["routes", "reload"]) {
    const { stdout, stderr } = await runSluice(sluice.directory, command);
    told.push(stdout, stderr);
  }
  // A refused file with the secrets in the wrong places.
  const good = { ...chat, key: keys[0], keys: [...keys, credentials], proxy: `http://${credentials}@localhost:1` };
  const guardedBy = { ...config.routes.guarded.clientCertificate, passphrase: { passphrase }, key: String(pem) };
  const routes = { ...config.routes, good, guarded: { ...config.routes.guarded, clientCertificate: guardedBy } };
  writeConfig(sluice.directory, { ...config, routes });
  const { stderr } = await runSluice(sluice.directory, "reload");
  expect(stderr).toContain("keeps its configuration");
  told.push(stderr);
  sluice.kill("SIGTERM");
  expect(await sluice.exit).toBe(0);

  // All three were reached with what they are secret with.
  expect(asked.filter((key) => keys.some((one) => key.includes(one)))).not.toEqual([]);
  expect(proxy.asked[0]?.headers["proxy-authorization"]).toBe(`Basic ${basic}`);
  expect(peers[0]).toContain("fingerprint");
  expect(sluice.stdout).toContain('"event":"attempt"');
  const leaks = (text: string) => secrets.filter((secret) => text.includes(secret));
  for (const text of told) expect([leaks(text), text.slice(0, 300)]).toEqual([[], text.slice(0, 300)]);
  expect(leaks(sluice.stdout)).toEqual([]);
  expect(leaks(sluice.stderr)).toEqual([]);
});
