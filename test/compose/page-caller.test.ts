import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";
import { newDevice, signedDevice } from "../support/openclaw/device.ts";
import { OpenClawClient, type Payload } from "../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();
const token = "a-shared-token-of-this-test";
const client = { id: "openclaw-control-ui", version: "1", platform: "test", mode: "webchat" };

/** A gateway with a page, and its data. */
function start(data: object = { store: "memory" }): Promise<TestGateway> {
  const controlUi = newDirectory();
  mkdirSync(controlUi, { recursive: true });
  writeFileSync(join(controlUi, "index.html"), "<!doctype html><html></html>");
  return startTestGateway({ config: { auth: { token }, data, openclaw: { controlUi } } });
}

/** Signs a device in over a real socket and returns the answer's `auth`. */
async function signIn(url: string, auth: Record<string, string>, scopes = ["operator.admin"], device = newDevice()) {
  const socket = await OpenClawClient.dial(`${url}/ui`);
  const [challenge] = await socket.until(
    () => socket.payloads("connect.challenge")[0] && socket.payloads("connect.challenge"),
  );
  const facts = { client, scopes, token: auth.token ?? "", nonce: String(challenge?.nonce), signedAt: Date.now() };
  const params = { minProtocol: 4, maxProtocol: 4, client, scopes, auth, device: signedDevice(device, facts) };
  const answer = (await socket.request("connect", params)) as { auth: Payload };
  return { socket, auth: answer.auth, deviceToken: String(answer.auth.deviceToken) };
}

const statusOf = async (url: string, path: string, bearer: string): Promise<number> =>
  (await fetch(url + path, { headers: { authorization: `Bearer ${bearer}` } })).status;

const SETTINGS = "/ui/control-ui-config.json";

describe("an HTTP request of the Control UI", () => {
  test("is authorised by the device token, as the page sends it, until that is revoked", async () => {
    await using gateway = await start();
    const { socket, deviceToken } = await signIn(gateway.url, { token });
    using _ = socket;
    expect(await statusOf(gateway.url, SETTINGS, deviceToken)).toBe(200);
    expect(await statusOf(gateway.url, SETTINGS, token)).toBe(200);
    expect(await statusOf(gateway.url, SETTINGS, `${deviceToken}x`)).toBe(401);
    const { paired } = (await socket.request("device.pair.list")) as { paired: Payload[] };
    await socket.request("device.token.revoke", { deviceId: paired[0]?.deviceId, role: "operator" });
    expect(await statusOf(gateway.url, SETTINGS, deviceToken)).toBe(401);
  });

  test("is not authorised by a device token without the scope to read", async () => {
    await using gateway = await start();
    const { socket, deviceToken } = await signIn(gateway.url, { token }, ["operator.pairing"]);
    using _ = socket;
    expect(await statusOf(gateway.url, SETTINGS, deviceToken)).toBe(401);
  });

  test.each(["/v1/models", "/v1/usage", "/metrics"])("a device token opens nothing else: %s", async (path) => {
    await using gateway = await start();
    const { socket, deviceToken } = await signIn(gateway.url, { token });
    using _ = socket;
    expect(await statusOf(gateway.url, path, deviceToken)).toBe(401);
    expect(await statusOf(gateway.url, path, token)).toBe(200);
  });
});

test("no device token reaches the log, whether it is right, wrong or revoked", async () => {
  await using gateway = await start({ store: "sqlite", directory: newDirectory() });
  const { socket, deviceToken } = await signIn(gateway.url, { token });
  using _ = socket;
  await statusOf(gateway.url, SETTINGS, deviceToken);
  await statusOf(gateway.url, "/v1/models", deviceToken);
  await expect(signIn(gateway.url, { deviceToken, token: deviceToken })).rejects.toThrow("device token mismatch");
  await gateway.close();
  expect(gateway.log.text).toContain("openclaw");
  expect(gateway.log.text).not.toContain(deviceToken.slice("sluicedevice_".length));
});
