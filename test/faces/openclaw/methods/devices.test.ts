import { describe, expect, test } from "@jest/globals";
import { newDevice } from "../../../support/openclaw/device.ts";
import { type DeviceRig, startDeviceRig } from "../../../support/openclaw/device-rig.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";

const shared = { token: "shared" };
const PAIRING = ["operator.pairing", "operator.read"];
const role = "operator";

interface Paired {
  readonly deviceId: string;
  readonly connected: boolean;
  readonly operatorLabel?: string;
  readonly tokens: readonly { readonly revokedAtMs?: number }[];
}

const list = async (client: OpenClawClient): Promise<readonly Paired[]> =>
  ((await client.request("device.pair.list")) as unknown as { paired: Paired[] }).paired;

/** Two devices: an admin with the shared token, and one that signed in with its device token and manages devices. */
async function twoDevices(rig: DeviceRig) {
  const admin = await rig.signIn({ auth: shared });
  const other = newDevice();
  const { deviceToken = "" } = await rig.signIn({ auth: shared, device: other, scopes: PAIRING });
  const signIn = () => rig.signIn({ auth: { deviceToken }, device: other, scopes: PAIRING });
  const peer = await signIn();
  return { admin: admin.connection.client, peer: peer.connection.client, other, signIn, deviceToken };
}

describe("device.pair.list", () => {
  test("shows the devices that signed in, with their tokens' dates and without any secret", async () => {
    await using rig = await startDeviceRig();
    const { client } = (await rig.signIn({ auth: shared, scopes: PAIRING })).connection;
    expect(await client.request("device.pair.list")).toEqual({
      pending: [],
      paired: [
        {
          deviceId: rig.device.deviceId,
          publicKey: expect.any(String),
          clientId: "openclaw-control-ui",
          clientMode: "webchat",
          platform: "test",
          role,
          roles: [role],
          scopes: PAIRING,
          approvedVia: "silent",
          createdAtMs: rig.clock.nowMs,
          approvedAtMs: rig.clock.nowMs,
          lastSeenAtMs: rig.clock.nowMs,
          lastSeenReason: "connect",
          connected: true,
          tokens: [{ role, scopes: PAIRING, createdAtMs: rig.clock.nowMs, lastUsedAtMs: rig.clock.nowMs }],
        },
      ],
    });
  });

  test("shows a client that signed in with a device token its own device alone, unless it is an admin", async () => {
    await using rig = await startDeviceRig();
    const { admin, peer, other } = await twoDevices(rig);
    expect((await list(peer)).map(({ deviceId }) => deviceId)).toEqual([other.deviceId]);
    expect(await list(admin)).toHaveLength(2);
  });

  test("says which devices are connected", async () => {
    await using rig = await startDeviceRig();
    const { admin, peer, other } = await twoDevices(rig);
    peer.hangUp();
    const connected = (await list(admin)).find(({ deviceId }) => deviceId === other.deviceId)?.connected;
    // The connection of its first sign-in is still open.
    expect(connected).toBe(true);
    await admin.request("device.token.revoke", { deviceId: other.deviceId, role });
    const after = (await list(admin)).find(({ deviceId }) => deviceId === other.deviceId)?.connected;
    expect(after).toBe(false);
  });
});

describe("device.token.revoke", () => {
  test("ends the token and closes every connection of the device, as the real gateway does", async () => {
    await using rig = await startDeviceRig();
    const { admin, peer, other, signIn } = await twoDevices(rig);
    const answer = await admin.request("device.token.revoke", { deviceId: other.deviceId, role });
    expect(answer).toEqual({ deviceId: other.deviceId, role, revokedAtMs: rig.clock.nowMs });
    expect(await peer.untilClosed()).toEqual({ code: 4001, reason: "device removed" });
    expect(admin.closing).toBeUndefined();
    expect((await signIn()).refusal).toMatchObject({ code: "AUTH_DEVICE_TOKEN_MISMATCH" });
    const [revoked] = (await list(admin)).filter(({ deviceId }) => deviceId === other.deviceId);
    expect(revoked?.tokens).toEqual([expect.objectContaining({ revokedAtMs: rig.clock.nowMs })]);
  });

  test("a device that then signs in with the shared token gets another one; the revoked one stays refused", async () => {
    await using rig = await startDeviceRig();
    const { admin, other, signIn, deviceToken } = await twoDevices(rig);
    await admin.request("device.token.revoke", { deviceId: other.deviceId, role });
    const again = await rig.signIn({ auth: shared, device: other, scopes: PAIRING });
    expect(again.deviceToken).not.toBe(deviceToken);
    expect((await signIn()).refusal).toMatchObject({ code: "AUTH_DEVICE_TOKEN_MISMATCH" });
  });

  test("a request that its connection sends before the socket is closed is not carried out", async () => {
    await using rig = await startDeviceRig();
    const { admin, other, deviceToken } = await twoDevices(rig);
    const { connection } = await rig.signIn({ auth: { deviceToken }, device: other, scopes: PAIRING });
    await admin.request("device.token.revoke", { deviceId: other.deviceId, role });
    const params = { deviceId: other.deviceId, label: "still here" };
    connection.session.message(JSON.stringify({ type: "req", id: "9", method: "device.pair.rename", params }));
    expect((await list(admin)).map(({ operatorLabel }) => operatorLabel)).toEqual([undefined, undefined]);
  });

  test("a client gets its answer before its own connection closes", async () => {
    await using rig = await startDeviceRig();
    const { client } = (await rig.signIn({ auth: shared })).connection;
    expect(await client.request("device.token.revoke", { deviceId: rig.device.deviceId, role })).toMatchObject({
      role,
    });
    expect(client.closing).toEqual({ code: 4001, reason: "device removed" });
  });
});

describe("device.token.rotate", () => {
  test("gives a device that signed in with its token the next one; the old one ends", async () => {
    await using rig = await startDeviceRig();
    const { peer, other, signIn } = await twoDevices(rig);
    const rotated = await peer.request("device.token.rotate", { deviceId: other.deviceId, role });
    expect(rotated).toMatchObject({ role, scopes: PAIRING, tokenDelivery: "in-band" });
    expect(peer.closing).toEqual({ code: 4001, reason: "device removed" });
    expect((await signIn()).refusal).toMatchObject({ code: "AUTH_DEVICE_TOKEN_MISMATCH" });
    const auth = { deviceToken: String(rotated.token) };
    expect((await rig.signIn({ auth, device: other, scopes: PAIRING })).refusal).toBeUndefined();
  });

  test("keeps the next token from everybody else; it may narrow the scopes, not widen them", async () => {
    await using rig = await startDeviceRig();
    const { admin, other } = await twoDevices(rig);
    const about = { deviceId: other.deviceId, role };
    expect(await admin.refusal("device.token.rotate", { ...about, scopes: ["operator.admin"] })).toMatchObject({
      code: "INVALID_REQUEST",
      message: "device token rotation denied",
    });
    expect(await admin.request("device.token.rotate", { ...about, scopes: ["operator.read"] })).toEqual({
      ...about,
      scopes: ["operator.read"],
      rotatedAtMs: rig.clock.nowMs,
      tokenDelivery: "withheld-cross-device",
    });
  });
});

test("device.pair.remove forgets the device, closes its connections, and its token no longer works", async () => {
  await using rig = await startDeviceRig();
  const { admin, peer, other, signIn } = await twoDevices(rig);
  expect(await admin.request("device.pair.remove", { deviceId: other.deviceId })).toEqual({ deviceId: other.deviceId });
  expect(await peer.untilClosed()).toMatchObject({ code: 4001 });
  expect((await list(admin)).map(({ deviceId }) => deviceId)).toEqual([rig.device.deviceId]);
  expect((await signIn()).refusal).toMatchObject({ code: "AUTH_DEVICE_TOKEN_MISMATCH" });
  expect(await admin.refusal("device.pair.remove", { deviceId: other.deviceId })).toMatchObject({
    code: "INVALID_REQUEST",
    message: "unknown deviceId",
  });
});

test("device.pair.rename gives a device a label, which it keeps, and tells those who manage devices", async () => {
  await using rig = await startDeviceRig();
  const { admin, other } = await twoDevices(rig);
  const answer = await admin.request("device.pair.rename", { deviceId: other.deviceId, label: "  Kitchen  " });
  expect(answer).toEqual({ deviceId: other.deviceId, label: "Kitchen" });
  expect(admin.payloads("device.pair.changed")).toEqual([{}]);
  await rig.signIn({ auth: shared, device: other, scopes: ["operator.admin"] });
  expect((await list(admin)).map(({ operatorLabel }) => operatorLabel)).toEqual([undefined, "Kitchen"]);
  expect(await admin.refusal("device.pair.rename", { deviceId: other.deviceId, label: " " })).toMatchObject({
    message: "label required",
  });
});

test.each<[string, object, string]>([
  ["device.pair.remove", {}, "device pairing removal denied"],
  ["device.pair.rename", { label: "mine" }, "device pairing rename denied"],
  ["device.token.revoke", { role }, "device token revocation denied"],
  ["device.token.rotate", { role }, "device token rotation denied"],
])("%s of another device is denied to a client that signed in with a device token", async (method, more, message) => {
  await using rig = await startDeviceRig();
  const { peer } = await twoDevices(rig);
  const error = await peer.refusal(method, { deviceId: rig.device.deviceId, ...more });
  expect(error).toMatchObject({ code: "INVALID_REQUEST", message });
});

test("a client with fewer scopes than a token can neither end nor replace it", async () => {
  await using rig = await startDeviceRig();
  await twoDevices(rig);
  const { client } = (await rig.signIn({ auth: shared, device: newDevice(), scopes: PAIRING })).connection;
  for (const method of ["device.token.revoke", "device.token.rotate"]) {
    const error = await client.refusal(method, { deviceId: rig.device.deviceId, role });
    expect(error.message).toMatch(/denied$/);
  }
});
