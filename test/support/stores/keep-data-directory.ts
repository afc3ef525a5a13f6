/**
 * Fills a data directory with the version at hand and keeps it as a fixture: `npm run keep-data`, once at
 * each release. test/e2e/lifecycle/upgrade.test.ts opens every one that was kept with the version at hand.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runBackup } from "../../../src/cli/commands/backup.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../gateways/gateway-key.ts";
import { configFor, startSluice } from "../gateways/sluice-process.ts";
import { newDevice, signedDevice } from "../openclaw/device.ts";
import { OpenClawClient, type Payload } from "../openclaw/openclaw-client.ts";
import { ChatScript } from "../upstreams/chat-script.ts";
import { startScriptedUpstream } from "../upstreams/scripted-upstream.ts";
import { untilQueued, untilStored } from "./stored-text.ts";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
const target = fileURLToPath(new URL(`../../recordings/data-directory/${version}`, import.meta.url));
const token = "a-shared-token-of-the-kept-data";
const client = { id: "openclaw-control-ui", version: "1", platform: "test", mode: "webchat" };

const directory = mkdtempSync(join(tmpdir(), "sluice-kept-"));
const secret = freshSecret();
const keys = new KeyDatabase(directory);
keys.add(keyFor("alice", secret, { models: ["gpt"] }));
keys.close();

await using upstream = await startScriptedUpstream();
const config = configFor(upstream.url, { data: { store: "sqlite", directory }, auth: { token } });
await using gateway = await startSluice(config);

const socket = await OpenClawClient.dial(gateway.url);
await socket.until(() => socket.payloads("connect.challenge")[0]);
const [challenge] = socket.payloads("connect.challenge");
const scopes = ["operator.admin"];
const facts = { client, scopes, token, nonce: String(challenge?.nonce), signedAt: Date.now() };
const signedIn = (await socket.request("connect", {
  minProtocol: 4,
  maxProtocol: 4,
  client,
  role: "operator",
  scopes,
  auth: { token },
  device: signedDevice(newDevice(), facts),
})) as { auth: Payload };

const say = (runId: string, message: string) =>
  socket.request("chat.send", { sessionKey: "trip", message, idempotencyKey: runId });
await socket.request("sessions.groups.put", { names: ["Travel"] });
await say("r1", "where to?");
new ChatScript(await upstream.request()).text("to Lisbon").finish();
await socket.ended("r1");
await untilStored(directory, "to Lisbon");
await say("r2", "and when?");
new ChatScript(await upstream.request()).text("in ");
await say("r3", "for how long?");
await untilQueued(directory, ["r3"]);
gateway.kill("SIGKILL");
await gateway.exit;

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const world = { env: {}, cwd: target, stdout: process.stdout, stderr: process.stderr };
process.exitCode = runBackup([target, "--data", directory], world);
writeFileSync(
  join(target, "made.json"),
  `${JSON.stringify({ version, token, deviceToken: signedIn.auth.deviceToken, secret }, undefined, 2)}\n`,
);
rmSync(directory, { recursive: true, force: true });
