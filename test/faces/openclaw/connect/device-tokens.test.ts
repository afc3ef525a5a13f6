import { describe, expect, test } from "@jest/globals";
import { freshSecret, keyFor, sha256Of } from "../../../support/gateways/gateway-key.ts";
import { type Device, newDevice } from "../../../support/openclaw/device.ts";
import { type DeviceRig, startDeviceRig } from "../../../support/openclaw/device-rig.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const shared = { token: "shared" };

/** Signs in with the shared token and returns the device token. */
async function tokenOf(rig: DeviceRig, more: { device?: Device; scopes?: readonly string[] } = {}): Promise<string> {
  return String((await rig.signIn({ auth: shared, ...more })).deviceToken);
}

const MISMATCH = {
  code: "AUTH_DEVICE_TOKEN_MISMATCH",
  authReason: "device_token_mismatch",
  canRetryWithDeviceToken: false,
  recommendedNextStep: "update_auth_credentials",
  message: "unauthorized: device token mismatch (rotate/reissue device token)",
};

describe("a device that signs in with the shared token", () => {
  test("gets a device token, for the scopes it was granted", async () => {
    await using rig = await startDeviceRig();
    const { auth } = await rig.signIn({ auth: shared, scopes: ["operator.read"] });
    expect(auth).toMatchObject({ role: "operator", scopes: ["operator.read"], issuedAtMs: rig.clock.nowMs });
    expect(auth.deviceToken).toMatch(/^sluicedevice_[\w-]{43}$/);
  });

  test("gets the same one each time, also after a restart, so that its other tabs keep theirs", async () => {
    await using rig = await startDeviceRig();
    const first = await rig.signIn({ auth: shared });
    rig.clock.nowMs += DAY_MS;
    expect((await rig.signIn({ auth: { password: "shared" } })).auth).toEqual(first.auth);
    await rig.face.close();
    await using next = await startDeviceRig({ token: "shared", transcripts: rig.transcripts });
    expect((await next.signIn({ auth: shared, device: rig.device })).auth).toEqual(first.auth);
  });

  test("gets another one than every other device", async () => {
    await using rig = await startDeviceRig();
    expect(await tokenOf(rig)).not.toBe(await tokenOf(rig, { device: newDevice() }));
  });

  test("gets a new one when it asks for more scopes than before; the old one ends", async () => {
    await using rig = await startDeviceRig();
    const old = await tokenOf(rig, { scopes: ["operator.read"] });
    rig.clock.nowMs += 1_000;
    const { auth } = await rig.signIn({ auth: shared, scopes: ["operator.write"] });
    expect(auth).toMatchObject({ issuedAtMs: rig.clock.nowMs });
    expect((await rig.signIn({ auth: { deviceToken: old }, scopes: ["operator.read"] })).refusal).toEqual(MISMATCH);
    const { deviceToken = "" } = await rig.signIn({
      auth: { deviceToken: String(auth.deviceToken) },
      scopes: ["operator.read"],
    });
    expect(deviceToken).toBe(auth.deviceToken);
  });

  test("gets none where nobody needs credentials, and is accepted with an old one", async () => {
    await using rig = await startDeviceRig({});
    expect((await rig.signIn({})).auth).not.toHaveProperty("deviceToken");
    expect((await rig.signIn({ auth: { deviceToken: "sluicedevice_old" } })).refusal).toBeUndefined();
  });

  test("a client without a device gets none", async () => {
    await using rig = await startDeviceRig();
    const { client } = await rig.connection(shared);
    expect(client.frames.find(({ type }) => type === "res")).not.toHaveProperty("payload.auth.deviceToken");
  });
});

describe("a device token", () => {
  test.each(["deviceToken", "token"])("in auth.%s signs its device in, with the same caller", async (field) => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    const { auth, connection } = await rig.signIn({ auth: { [field]: deviceToken } });
    expect(auth).toMatchObject({ deviceToken, issuedAtMs: rig.clock.nowMs, scopes: ["operator.admin"] });
    expect(connection.authenticatedAs).toEqual({ name: "token" });
  });

  test("signs in as the Control UI sends it: in all three fields", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    const { auth } = await rig.signIn({ auth: { token: deviceToken, password: deviceToken, deviceToken } });
    expect(auth).toMatchObject({ deviceToken });
  });

  test("beside a wrong shared token signs in, and the wrong one does not count as a failure", async () => {
    await using rig = await startDeviceRig({ token: "shared", failuresPerMinute: 1 });
    const deviceToken = await tokenOf(rig);
    for (let i = 0; i < 3; i++) {
      expect((await rig.signIn({ auth: { token: "stale", deviceToken } })).refusal).toBeUndefined();
    }
    expect((await rig.signIn({ auth: { token: "wrong" } })).refusal).toMatchObject({ code: "AUTH_TOKEN_MISMATCH" });
  });

  test("grants the scopes it was issued for, or fewer, and never more", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig, { scopes: ["operator.write"] });
    const fewer = await rig.signIn({ auth: { deviceToken }, scopes: ["operator.read"] });
    expect(fewer.auth).toMatchObject({ scopes: ["operator.read"], deviceToken });
    const more = await rig.signIn({ auth: { deviceToken }, scopes: ["operator.write", "operator.admin"] });
    expect(more.refusal).toMatchObject({
      code: "AUTH_SCOPE_MISMATCH",
      authReason: "scope_mismatch",
      recommendedNextStep: "review_auth_configuration",
    });
  });

  test("of another device is refused, like one that was never issued", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig, { device: newDevice() });
    expect((await rig.signIn({ auth: { deviceToken } })).refusal).toEqual(MISMATCH);
    expect((await rig.signIn({ auth: { deviceToken: "sluicedevice_never" } })).refusal).toEqual(MISMATCH);
  });

  test("without its device's own signature is refused", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    const { refusal } = await rig.signIn({ auth: { deviceToken }, signedToken: "another" });
    expect(refusal).toMatchObject({ code: "DEVICE_AUTH_SIGNATURE_INVALID" });
    const { client } = rig.open();
    const bare = { minProtocol: 4, maxProtocol: 4, client: { id: "cli", version: "1", platform: "test", mode: "cli" } };
    const error = await client.refusal("connect", { ...bare, auth: { deviceToken } });
    expect(error).toMatchObject({ details: { code: "AUTH_DEVICE_TOKEN_MISMATCH" } });
  });

  test("guesses count like wrong tokens: too many lock the address out, and the right one is still accepted", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    const guess = () => rig.signIn({ auth: { deviceToken: `${deviceToken.slice(0, -1)}~` } });
    for (let i = 0; i < 3; i++) expect((await guess()).refusal).toEqual(MISMATCH);
    expect((await guess()).refusal).toMatchObject({ code: "AUTH_RATE_LIMITED" });
    expect((await rig.signIn({ auth: { deviceToken } })).refusal).toBeUndefined();
  });

  test("no longer works when the shared token has changed", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    await rig.face.close();
    await using next = await startDeviceRig({ token: "changed", transcripts: rig.transcripts });
    expect((await next.signIn({ auth: { deviceToken }, device: rig.device })).refusal).toEqual(MISMATCH);
    const { auth } = await next.signIn({ auth: { token: "changed" }, device: rig.device });
    expect(auth.deviceToken).not.toBe(deviceToken);
  });

  test("works for 90 days since its last use", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    for (let i = 0; i < 2; i++) {
      rig.clock.nowMs += 90 * DAY_MS - 1;
      expect((await rig.signIn({ auth: { deviceToken } })).refusal).toBeUndefined();
    }
    rig.clock.nowMs += 90 * DAY_MS;
    expect((await rig.signIn({ auth: { deviceToken } })).refusal).toEqual(MISMATCH);
  });

  test("is stored as a digest alone", async () => {
    await using rig = await startDeviceRig();
    const deviceToken = await tokenOf(rig);
    const stored = JSON.stringify(await rig.transcripts.documents("device"));
    expect(stored).toContain(rig.device.deviceId);
    expect(stored).not.toContain(deviceToken.slice(13));
    expect(stored).not.toContain(sha256Of(deviceToken));
    expect(stored).not.toContain(sha256Of("shared"));
  });

  test("a client with a wrong token and a device is told that its device token may do", async () => {
    await using rig = await startDeviceRig();
    expect((await rig.signIn({ auth: { token: "wrong" } })).refusal).toMatchObject({
      code: "AUTH_TOKEN_MISMATCH",
      canRetryWithDeviceToken: true,
      recommendedNextStep: "retry_with_device_token",
    });
  });
});

describe("a device token that came from a gateway key", () => {
  const secret = freshSecret();
  const rigWith = (more: object = {}) =>
    startDeviceRig({ keys: [keyFor("alice", secret, { scopes: ["admin"], ...more })] });
  const signIn = async (rig: DeviceRig) => String((await rig.signIn({ auth: { token: secret } })).deviceToken);

  test("has the key's caller and its rights as they are now", async () => {
    await using rig = await rigWith();
    const deviceToken = await signIn(rig);
    rig.keys.replace([keyFor("alice", secret, { scopes: ["chat"] })]);
    const { auth, connection } = await rig.signIn({ auth: { deviceToken } });
    expect(connection.authenticatedAs).toMatchObject({ name: "alice", grant: { keyId: "key_alice" } });
    expect(auth.scopes).toEqual(["operator.read", "operator.write", "operator.approvals", "operator.questions"]);
  });

  test("never has more than it was issued for, even if the key may do more later", async () => {
    await using rig = await rigWith({ scopes: ["chat"] });
    const deviceToken = await signIn(rig);
    rig.keys.replace([keyFor("alice", secret, { scopes: ["admin"] })]);
    expect((await rig.signIn({ auth: { deviceToken } })).refusal).toMatchObject({ code: "AUTH_SCOPE_MISMATCH" });
  });

  test.each<[string, object]>([
    ["revoked", { revokedAt: 1 }],
    ["expired", { expiresAt: 1 }],
    [
      "rotated, and its old secret over",
      { secrets: [{ sha256: sha256Of(freshSecret()) }, { sha256: sha256Of(secret), until: 1 }] },
    ],
    ["without the scope chat", { scopes: ["streams"] }],
  ])("no longer works when the key is %s", async (_, change) => {
    await using rig = await rigWith();
    const { connection, deviceToken = "" } = await rig.signIn({ auth: { token: secret } });
    rig.keys.replace([keyFor("alice", secret, { scopes: ["admin"], ...change })]);
    const { refusal } = await rig.signIn({ auth: { deviceToken } });
    expect(refusal?.code).toMatch(/^AUTH_(DEVICE_TOKEN|SCOPE)_MISMATCH$/);
    connection.client.hangUp();
  });
});

describe("the number of devices", () => {
  const paired = async (rig: DeviceRig) => {
    const answer = await (await rig.signIn({ auth: shared })).connection.client.request("device.pair.list");
    return (answer as { paired: { deviceId: string }[] }).paired.map(({ deviceId }) => deviceId);
  };

  test("of one credential is at most 100; the one unused for longest goes first", async () => {
    await using rig = await startDeviceRig();
    const devices = Array.from({ length: 99 }, newDevice);
    for (const device of devices) {
      rig.clock.nowMs += 60_000;
      (await rig.signIn({ auth: shared, device })).connection.client.hangUp();
    }
    const [first, second] = devices;
    if (!first || !second) throw new Error("no devices");
    rig.clock.nowMs += 60_000;
    await rig.signIn({ auth: shared, device: first });
    expect(await paired(rig)).toHaveLength(100);
    await rig.signIn({ auth: shared, device: newDevice() });
    const left = await paired(rig);
    expect(left).toHaveLength(100);
    expect(left).toContain(first.deviceId);
    expect(left).not.toContain(second.deviceId);
  });

  test("of all credentials is at most 1,000", async () => {
    const secrets = Array.from({ length: 11 }, freshSecret);
    await using rig = await startDeviceRig({
      token: "shared",
      keys: secrets.map((secret, i) => keyFor(`caller${i}`, secret)),
    });
    for (const token of secrets) {
      for (let i = 0; i < 100; i++) {
        const { connection } = await rig.signIn({ auth: { token }, device: newDevice(), scopes: [] });
        connection.client.hangUp();
      }
    }
    expect(await paired(rig)).toHaveLength(1_000);
  });
});
