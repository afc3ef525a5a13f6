import { describe, expect, test } from "@jest/globals";
import { buildDeviceAuthPayload, buildDeviceAuthPayloadV3, GatewayClient } from "@openclaw/gateway-client";
import { startTestGateway } from "../../../support/gateways/gateway.ts";
import { newDevice, rawPublicKey, signText } from "../../../support/openclaw/device.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const TOKEN = "let-me-in";
const device = newDevice();
const client = { id: "cli", version: "2026.9.6", platform: " Linux ", mode: "cli", deviceFamily: "Server" };
const scopes = ["operator.read", "operator.write"];

type Fields = Readonly<Record<string, unknown>>;

/** Connects with what the official clients' own code signs over the challenge; `change` spoils it. */
async function connect(change: (device: Fields) => Fields, version = 3, signed: Fields = {}, token = TOKEN) {
  await using rig = await startRig({ token: TOKEN });
  const connection = rig.open();
  const { nonce, ts } = connection.client.payloads("connect.challenge")[0] ?? {};
  const facts = {
    deviceId: device.deviceId,
    clientId: client.id,
    clientMode: client.mode,
    role: "operator",
    scopes,
    signedAtMs: Number(ts),
    token: TOKEN,
    nonce: String(nonce),
    platform: client.platform,
    deviceFamily: client.deviceFamily,
    ...signed,
  };
  const payload = version === 3 ? buildDeviceAuthPayloadV3(facts) : buildDeviceAuthPayload(facts);
  const good = {
    id: device.deviceId,
    publicKey: rawPublicKey(device.publicKeyPem),
    signature: signText(device.privateKeyPem, payload),
    signedAt: facts.signedAtMs,
    nonce: facts.nonce,
  };
  const params = { minProtocol: 4, maxProtocol: 4, client, scopes, auth: { token }, device: change(good) };
  const answer = await connection.client.request("connect", params).catch((error) => error.error);
  return { answer, closing: connection.client.closing };
}

const as = (fields: Fields) => (good: Fields) => ({ ...good, ...fields });
const unchanged = (good: Fields) => good;

describe("the signature of a device", () => {
  test.each([2, 3])("of version %i, by the official client's own code, is accepted", async (version) => {
    expect((await connect(unchanged, version)).answer).toMatchObject({ type: "hello-ok", auth: { scopes } });
  });

  test("may come with the key as PEM or in plain base64", async () => {
    const plain = Buffer.from(rawPublicKey(device.publicKeyPem), "base64url").toString("base64");
    for (const publicKey of [device.publicKeyPem, plain]) {
      expect((await connect(as({ publicKey }))).answer).toMatchObject({ type: "hello-ok" });
    }
  });

  test.each<[string, Fields, string]>([
    ["of another device's id", { id: newDevice().deviceId }, "DEVICE_AUTH_DEVICE_ID_MISMATCH"],
    ["with no key", { publicKey: "" }, "DEVICE_AUTH_PUBLIC_KEY_INVALID"],
    ["with a key that is none", { publicKey: "AAAA" }, "DEVICE_AUTH_PUBLIC_KEY_INVALID"],
    ["with another key", { publicKey: rawPublicKey(newDevice().publicKeyPem) }, "DEVICE_AUTH_DEVICE_ID_MISMATCH"],
    ["that is too old", { signedAt: 1_795_000_000_000 - 120_001 }, "DEVICE_AUTH_SIGNATURE_EXPIRED"],
    ["from the future", { signedAt: 1_795_000_000_000 + 120_001 }, "DEVICE_AUTH_SIGNATURE_EXPIRED"],
    ["without a nonce", { nonce: "" }, "DEVICE_AUTH_NONCE_REQUIRED"],
    ["over another challenge", { nonce: "other" }, "DEVICE_AUTH_NONCE_MISMATCH"],
    ["made of nothing", { signature: "" }, "DEVICE_AUTH_SIGNATURE_INVALID"],
    ["with another time than was signed", { signedAt: 1_795_000_000_001 }, "DEVICE_AUTH_SIGNATURE_INVALID"],
  ])("%s is refused in the protocol's own words", async (_, fields, code) => {
    const { answer, closing } = await connect(as(fields));
    expect(answer).toMatchObject({ code: "INVALID_REQUEST", details: { code } });
    expect(closing).toEqual({ code: 1008, reason: answer.message });
  });

  test.each<[string, Fields]>([
    ["more scopes", { scopes: [...scopes, "operator.admin"] }],
    ["another token", { token: "other" }],
    ["another role", { role: "node" }],
    ["another client", { clientId: "openclaw-tui" }],
    ["another mode", { clientMode: "ui" }],
    ["another platform", { platform: "darwin" }],
  ])("over %s does not hold for this connect", async (_, signed) => {
    const { answer } = await connect(unchanged, 3, signed);
    expect(answer).toMatchObject({ details: { code: "DEVICE_AUTH_SIGNATURE_INVALID" } });
  });

  test("is not verified for a wrong token: unauthenticated clients cannot cause that work", async () => {
    const { answer } = await connect(as({ signature: "", publicKey: "" }), 3, {}, "guess");
    expect(answer).toMatchObject({ details: { code: "AUTH_TOKEN_MISMATCH" } });
  });

  test("counts as a failure of its address if it is bad, even with the right token", async () => {
    const limits = { requests: { authFailuresPerMinute: 2 } };
    await using gateway = await startTestGateway({ config: { auth: { token: TOKEN }, limits } });
    const impostor = () => ({ ...device, deviceId: newDevice().deviceId });
    for (const _ of [1, 2]) {
      await expect(dial(gateway.url, impostor())).rejects.toThrow("device identity mismatch");
    }
    await expect(dial(gateway.url, impostor())).rejects.toThrow("too many failed authentication attempts");
    expect(await dial(gateway.url, device)).toMatchObject({ type: "hello-ok" });
  });
});

/** The published client, with a device that it signs for itself. Resolves with its hello. */
async function dial(url: string, deviceIdentity: ReturnType<typeof newDevice>): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const gatewayClient = new GatewayClient({
    url: url.replace(/^http/, "ws"),
    token: TOKEN,
    scopes: ["operator.read"],
    deviceIdentity,
    hostDeps: { signDevicePayload: signText, publicKeyRawBase64UrlFromPem: rawPublicKey },
    onHelloOk: resolve,
    onConnectError: reject,
  });
  gatewayClient.start();
  return promise.finally(() => gatewayClient.stop());
}

describe("@openclaw/gateway-client, as it is published", () => {
  test("signs in with its device", async () => {
    await using gateway = await startTestGateway({ config: { auth: { token: TOKEN } } });
    expect(await dial(gateway.url, device)).toMatchObject({ type: "hello-ok", auth: { scopes: ["operator.read"] } });
  });
});
