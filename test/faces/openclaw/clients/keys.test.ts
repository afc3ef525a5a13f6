import { describe, expect, test } from "@jest/globals";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { type GatewayKey, KeyRing } from "../../../../src/core/caller/key-ring.ts";
import type { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { Authenticator } from "../../../../src/core/ports/authenticator.ts";
import { Lockout } from "../../../../src/transport/admit/lockout.ts";
import { createAuthenticator } from "../../../../src/transport/auth/authenticator.ts";
import { freshSecret, keyFor } from "../../../support/gateways/gateway-key.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const secret = freshSecret();
const CHAT = ["operator.read", "operator.write", "operator.approvals", "operator.questions"];
const CLAIM = ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];

/** The face over the real authenticator, with one key. */
async function rigWith(more: Partial<GatewayKey> = {}) {
  const ring = new KeyRing(() => 0);
  ring.replace([keyFor("alice", secret, more)]);
  const clock = { now: () => 0, wall: () => 0 };
  const lockout = new Lockout({ failuresPerMinute: 3, lockoutMs: 60_000, clock });
  const authenticator = createAuthenticator({ token: undefined, required: false, keys: ring, lockout });
  const rig = await startRig({ authenticator });
  const replace = (changed: Partial<GatewayKey>) => ring.replace([keyFor("alice", secret, { ...more, ...changed })]);
  return Object.assign(rig, { replace });
}

const hello = { minProtocol: 4, maxProtocol: 4, client: { id: "cli", version: "1", platform: "linux", mode: "cli" } };
const message = { sessionKey: "main", message: "hello", idempotencyKey: "r1" };

describe("a gateway key", () => {
  test("authenticates its caller; the gateway says that a token is required", async () => {
    await using rig = await rigWith();
    const connection = rig.open();
    const payload = await connection.client.request("connect", { ...hello, auth: { token: secret } });
    expect(connection.authenticatedAs).toMatchObject({ name: "alice", grant: { keyId: "key_alice" } });
    expect(payload.snapshot).toMatchObject({ authMode: "token" });
  });

  test.each<[GatewayKey["scopes"], readonly string[]]>([
    [["chat"], CHAT],
    [["chat", "read", "logs"], CHAT],
    [["streams", "admin"], Object.values(SCOPES)],
  ])("with the scopes %j gives a client that claims everything what they mean: %j", async (scopes, granted) => {
    await using rig = await rigWith({ scopes });
    const { client } = await rig.connection({ token: secret, scopes: CLAIM });
    const answer = client.frames.find(({ type }) => type === "res");
    expect(answer).toMatchObject({
      payload: { auth: { role: "operator", scopes: expect.arrayContaining([...granted]) } },
    });
    expect(answer).toMatchObject({ payload: { auth: { scopes: { length: granted.length } } } });
    if (granted.includes("operator.admin")) return;
    expect(await client.refusal("sessions.reset", { key: "main" })).toMatchObject({
      code: "FORBIDDEN",
      details: { code: "MISSING_SCOPE", missingScope: "operator.admin" },
    });
  });

  test("a claim narrows: a client that asks to read cannot write, and one that asks for nothing gets nothing", async () => {
    await using rig = await rigWith({ scopes: ["admin"] });
    const scopeless = await rig.client({ token: secret, scopes: [] });
    expect(await scopeless.refusal("models.list")).toMatchObject({ details: { code: "MISSING_SCOPE" } });
    const client = await rig.client({ token: secret, scopes: ["operator.read"] });
    expect(await client.refusal("chat.send", message)).toMatchObject({ details: { code: "MISSING_SCOPE" } });
  });

  test.each([["streams"], ["read"], ["logs"]] as const)("with %s alone is no key for chat", async (scope) => {
    await using rig = await rigWith({ scopes: [scope] });
    const { client } = rig.open();
    const refused = await client.refusal("connect", { ...hello, auth: { token: secret } });
    expect(refused).toMatchObject({ code: "INVALID_REQUEST", details: { code: "AUTH_SCOPE_MISMATCH" } });
    expect(client.closing).toEqual({ code: 1008, reason: "unauthorized: the key lacks the scope chat" });
  });

  test("that was mistyped, revoked, or was never made is a token mismatch, with the reason where there is one", async () => {
    await using rig = await rigWith({ revokedAt: 1 });
    const refusal = (token: string) => rig.open().client.refusal("connect", { ...hello, auth: { token } });
    expect(await refusal(`${secret}x`)).toMatchObject({
      message: expect.stringContaining("mistyped"),
      details: { code: "AUTH_TOKEN_MISMATCH", recommendedNextStep: "update_auth_credentials" },
    });
    expect(await refusal(secret)).toMatchObject({
      message: "unauthorized: gateway token mismatch (the key was revoked)",
      details: { code: "AUTH_TOKEN_MISMATCH" },
    });
    expect(await refusal(freshSecret())).toMatchObject({ details: { code: "AUTH_TOKEN_MISMATCH" } });
    expect(await refusal(secret)).toMatchObject({ details: { code: "AUTH_RATE_LIMITED" } });
  });

  test("is checked at each request: a revoked one is refused, and its socket closed for good", async () => {
    await using rig = await rigWith();
    const client = await rig.client({ token: secret });
    rig.replace({ revokedAt: 1 });
    expect(await client.refusal("chat.send", message)).toMatchObject({ details: { code: "unauthorized" } });
    expect(client.closing).toEqual({ code: 4501, reason: "unauthorized" });
    expect(rig.calls).toHaveLength(0);
  });

  test("a queued message is not answered if its key is revoked before its turn", async () => {
    await using rig = await rigWith();
    const client = await rig.client({ token: secret });
    await client.request("chat.send", message);
    await client.request("chat.send", { ...message, idempotencyKey: "r2" });
    rig.replace({ revokedAt: 1 });
    rig.call.text("done").finish();
    const ended = await client.ended("r2");
    expect(ended).toMatchObject({ errorMessage: "The key was revoked." });
    expect(rig.calls).toHaveLength(1);
  });
});

describe("two callers", () => {
  test("never share a run: one's idempotency key is refused for the other", async () => {
    await using rig = await startRig({ authenticator: byName });
    const [alice, bob] = [await rig.client({ token: "alice" }), await rig.client({ token: "bob" })];
    await alice.request("chat.send", message);
    expect(await alice.request("chat.send", message)).toMatchObject({ status: "in_flight" });
    expect(await bob.refusal("chat.send", message)).toMatchObject({
      code: "INVALID_REQUEST",
      message: "the idempotency key was used for another request",
    });
    expect(rig.calls).toHaveLength(1);
  });
});

/** Everybody is who they say. */
const byName: Authenticator = {
  required: true,
  authenticate: (name) => (name === undefined ? undefined : { name }),
  failed() {},
  current: (caller) => caller,
};

describe("a key that names models", () => {
  test("sees only those, and chats with the first of them if the gateway's default is not among them", async () => {
    await using rig = await rigWith({ models: ["claude"] });
    const client = await rig.client({ token: secret });
    expect(await client.request("models.list")).toMatchObject({ models: [{ id: "claude" }] });
    expect(await client.request("chat.metadata")).toMatchObject({ models: [{ id: "claude" }] });
    expect(await client.request("agents.list")).toMatchObject({ agents: [{ model: { primary: "anthropic/claude" } }] });
    expect(await client.request("models.authStatus")).toMatchObject({ providers: [{ provider: "anthropic" }] });
    await client.request("chat.send", message);
    expect(rig.call.request.route).toBe("anthropic");
  });

  test("cannot choose another one for a session or a message", async () => {
    await using rig = await rigWith({ models: ["claude"] });
    const client = await rig.client({ token: secret });
    const forbidden = {
      code: "FORBIDDEN",
      message: "the key does not allow this model (sluice keys create --models, --routes)",
    };
    expect(await client.refusal("sessions.patch", { key: "main", model: "openai/gpt" })).toMatchObject(forbidden);
    expect(await client.refusal("agent", { message: "hi", idempotencyKey: "r1", model: "gpt" })).toMatchObject(
      forbidden,
    );
    expect(await client.refusal("sessions.patch", { key: "main", model: "no-such" })).toMatchObject({
      message: "unknown model: no-such",
    });
  });

  test("is told of no other by commands, and cannot choose one by them", async () => {
    await using rig = await rigWith({ models: ["claude"] });
    const client = await rig.client({ token: secret });
    const say = async (text: string, idempotencyKey: string) => {
      await client.request("chat.send", { sessionKey: "main", message: text, idempotencyKey });
      return JSON.stringify((await client.ended(idempotencyKey)).message);
    };
    expect(await say("/model", "r1")).not.toContain("gpt");
    expect(await say("/model openai/gpt", "r2")).toContain("failed");
    expect(await say("/status", "r3")).toContain("anthropic/claude");
  });

  test("asks no other one beside the conversation, also if it named more when its client signed in", async () => {
    await using rig = await rigWith();
    const client = await rig.client({ token: secret });
    await client.request("sessions.patch", { key: "main", model: "openai/gpt" });
    rig.replace({ models: ["claude"] });
    const refusal = await client.refusal("sessions.companion.ask", { sessionKey: "main", question: "Where?" });
    expect(refusal).toMatchObject({ code: "FORBIDDEN" });
    expect(rig.calls).toHaveLength(0);
  });

  test("does not chat with another one that a session has chosen", async () => {
    await using rig = await rigWith();
    const client = await rig.client({ token: secret });
    await client.request("sessions.patch", { key: "main", model: "openai/gpt" });
    rig.replace({ models: ["claude"] });
    await client.request("chat.send", message);
    const ended = await client.ended("r1");
    expect(ended).toMatchObject({
      errorDetail: { providerRuntimeFailureKind: "forbidden" satisfies GatewayError["code"] },
    });
    expect(rig.calls).toHaveLength(0);
  });
});
