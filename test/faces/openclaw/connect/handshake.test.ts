import { describe, expect, test } from "@jest/globals";
import { OPENCLAW_RELEASE } from "../../../../protocol/openclaw/wire.ts";
import type { OpenClawClient, Payload } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { RESULTS } from "../../../support/openclaw/openclaw-schemas.ts";

const hello = (client: OpenClawClient, fields: object = {}) =>
  client.request("connect", {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "2026.9.6", platform: "linux", mode: "cli" },
    ...fields,
  });

const refusal = (client: OpenClawClient, fields: object = {}) =>
  client.refusal("connect", {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "2026.9.6", platform: "linux", mode: "cli" },
    ...fields,
  });

describe("the greeting", () => {
  test("the gateway sends the challenge at once, without a seq", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    expect(client.frames).toMatchObject([
      { type: "event", event: "connect.challenge", payload: { ts: rig.clock.nowMs } },
    ]);
    client.verify();
  });

  test("hello-ok lists only what works", async () => {
    await using rig = await startRig();
    const payload = await hello(rig.open().client, { scopes: ["operator.read", "operator.talk"] });
    expect(payload).toMatchObject({
      type: "hello-ok",
      protocol: 4,
      // What clients compare with their own version.
      server: { version: OPENCLAW_RELEASE, controlUiBuildSource: "configured", connId: "c1" },
      auth: { role: "operator", scopes: ["operator.read", "operator.talk"] },
      policy: { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 30_000 },
      snapshot: { sessionDefaults: { mainSessionKey: "agent:main:main", modelConfigured: true }, authMode: "none" },
    });
    const { features } = payload as { features: { methods: string[]; capabilities: string[] } };
    expect([...features.methods, "connect"].sort()).toEqual(Object.keys(RESULTS).sort());
    expect(features.capabilities).toEqual(["published-model-catalog"]);
  });

  test("a client without a device gets no device token", async () => {
    await using rig = await startRig();
    const payload = await hello(rig.open().client, { scopes: [] });
    expect(payload.auth).toEqual({ role: "operator", scopes: [], recoveryScope: expect.any(String) });
  });

  test("a browser's unsent messages belong to their caller, even after a restart", async () => {
    await using rig = await startRig();
    const scopeOf = async (of: typeof rig) => ((await hello(of.open().client)).auth as Payload).recoveryScope;
    const before = await scopeOf(rig);
    expect(before).toMatch(/^[\w-]{43}$/);
    await using next = await rig.restart();
    expect(await scopeOf(next)).toBe(before);
  });

  test("a client that asks for no scopes may read and write", async () => {
    await using rig = await startRig();
    const payload = await hello(rig.open().client);
    expect(payload.auth).toMatchObject({ scopes: ["operator.read", "operator.write"] });
  });
});

describe("the shared token", () => {
  for (const field of ["token", "password", "deviceToken"]) {
    test(`is taken from auth.${field}`, async () => {
      await using rig = await startRig({ token: "let-me-in" });
      const connection = rig.open();
      const payload = await hello(connection.client, { auth: { [field]: "let-me-in" } });
      expect(payload.snapshot).toMatchObject({ authMode: "token" });
      expect(connection.authenticatedAs).toEqual({ name: "token" });
    });
  }

  test("may come twice, as the Control UI sends it", async () => {
    await using rig = await startRig({ token: "let-me-in" });
    await hello(rig.open().client, { auth: { token: "let-me-in", password: "let-me-in" } });
  });

  test("a missing one gets an error before the close", async () => {
    await using rig = await startRig({ token: "let-me-in" });
    const { client } = rig.open();
    const error = await refusal(client, { auth: { token: "" } });
    expect(error).toMatchObject({ code: "INVALID_REQUEST", details: { code: "AUTH_TOKEN_MISSING" } });
    expect(client.closing).toEqual({ code: 1008, reason: error.message });
  });

  test("a wrong one gets an error, and no other request gets a response", async () => {
    await using rig = await startRig({ token: "let-me-in" });
    const connection = rig.open();
    const error = await refusal(connection.client, { auth: { token: "guess" } });
    expect(error.details).toEqual({
      code: "AUTH_TOKEN_MISMATCH",
      authReason: "token_mismatch",
      canRetryWithDeviceToken: false,
      recommendedNextStep: "update_auth_credentials",
    });
    const before = connection.client.frames.length;
    connection.session.message('{"type":"req","id":"9","method":"health"}');
    expect(connection.client.frames).toHaveLength(before);
    expect(connection.authenticatedAs).toBeUndefined();
  });

  test("too many failures are refused with the time to wait; then the right one is accepted", async () => {
    await using rig = await startRig({ token: "let-me-in" });
    for (let attempt = 0; attempt < 3; attempt++) await refusal(rig.open().client, { auth: { token: "guess" } });
    const error = await refusal(rig.open().client, { auth: { token: "guess" } });
    expect(error).toMatchObject({ retryAfterMs: 1500, details: { code: "AUTH_RATE_LIMITED" } });
    expect(await hello(rig.open().client, { auth: { token: "let-me-in" } })).toMatchObject({ type: "hello-ok" });
  });
});

describe("protocol versions", () => {
  test("a client with only older versions is refused with 1002", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    const error = await refusal(client, { minProtocol: 1, maxProtocol: 2 });
    expect(error).toMatchObject({
      code: "INVALID_REQUEST",
      message: "protocol mismatch",
      details: {
        code: "PROTOCOL_MISMATCH",
        clientMinProtocol: 1,
        clientMaxProtocol: 2,
        expectedProtocol: 4,
        minimumProbeProtocol: 3,
      },
    });
    expect(client.closing).toEqual({ code: 1002, reason: "protocol mismatch" });
  });

  test("a newer client that still speaks version 4 is accepted", async () => {
    await using rig = await startRig();
    expect(await hello(rig.open().client, { minProtocol: 4, maxProtocol: 9 })).toMatchObject({ protocol: 4 });
  });

  test("a client that no longer speaks version 4 is refused", async () => {
    await using rig = await startRig();
    expect(await refusal(rig.open().client, { minProtocol: 5, maxProtocol: 6 })).toMatchObject({
      details: { code: "PROTOCOL_MISMATCH" },
    });
  });

  test.each([
    [1, 3, 3],
    [3, 3, 3],
    [3, 4, 4],
  ])("a client of versions %i to %i is served in version %i", async (minProtocol, maxProtocol, protocol) => {
    await using rig = await startRig();
    expect(await hello(rig.open().client, { minProtocol, maxProtocol })).toMatchObject({ protocol });
  });

  test("a client of version 3 gets the whole text so far in every delta, as that version has it", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    await hello(client, { minProtocol: 3, maxProtocol: 3 });
    await client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "r1" });
    rig.call.say("Good ", "evening");
    const deltas = await client.until(() => {
      const found = client.chat("r1").filter(({ state }) => state === "delta");
      return found.length === 2 && found;
    });
    const texts = deltas.map(({ message }) => message?.content.map(({ text }) => text).join(""));
    expect(texts).toEqual(["Good ", "Good evening"]);
  });
});

describe("a first frame that is no connect", () => {
  test("but another request is refused with 1008", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    const error = await client.refusal("health");
    expect(error.message).toBe("invalid handshake: first request must be connect");
    expect(client.closing).toEqual({ code: 1008, reason: "invalid handshake: first request must be connect" });
  });

  test("and no request at all is refused with 1008", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    client.sendText('{"type":"event","event":"x"}');
    expect(client.frames.at(-1)).toMatchObject({ type: "res", id: "invalid", ok: false });
    expect(client.closing).toEqual({ code: 1008, reason: "invalid request frame" });
  });

  test("and not JSON closes the connection without a response", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    client.sendText("hello");
    expect(client.frames).toHaveLength(1);
    expect(client.closing).toEqual({ code: 1000, reason: "" });
  });

  test("wrong parameters are named", async () => {
    await using rig = await startRig();
    const { client } = rig.open();
    const error = await refusal(client, { bogus: 1 });
    expect(error.message).toBe("invalid connect params: at root: unexpected property 'bogus'");
    expect(client.closing?.code).toBe(1008);
  });

  test("a node is refused", async () => {
    await using rig = await startRig();
    expect(await refusal(rig.open().client, { role: "node" })).toMatchObject({ message: "invalid role" });
  });

  test("a second connect only fails itself", async () => {
    await using rig = await startRig();
    const client = await rig.client();
    const error = await client.refusal("connect", {});
    expect(error.message).toBe("connect is only valid as the first request");
    expect(client.closing).toBeUndefined();
  });
});

test("ticks reach every client, numbered without a gap", async () => {
  await using rig = await startRig({ settings: { tickIntervalMs: 5 } });
  const clients = await Promise.all([rig.client({ scopes: [] }), rig.client()]);
  for (const client of clients) await client.until(() => client.payloads("tick").length >= 3);
  for (const client of clients) client.verify();
});

test("a gateway that stops announces it", async () => {
  await using rig = await startRig();
  const connection = await rig.connection();
  connection.session.goingAway(1500.5);
  expect(connection.client.payloads("shutdown")).toEqual([{ reason: "gateway stopping", restartExpectedMs: 1501 }]);
  connection.client.verify();
});
