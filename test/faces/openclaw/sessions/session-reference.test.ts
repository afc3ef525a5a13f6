import { describe, expect, test } from "@jest/globals";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const key = (uuid: string): string => `agent:main:dashboard:${uuid}`;
const TRIP = key("7723538e-1111-4222-8333-444455556666");
const TWIN = key("7723538e-9999-4222-8333-444455556666");

/** A gateway with a session under each key, named by its label. */
async function stage(sessions: Readonly<Record<string, string>>) {
  await using started = new AsyncDisposableStack();
  const rig = started.use(await startRig());
  const client = started.use(await rig.client());
  for (const [sessionKey, label] of Object.entries(sessions)) {
    await client.request("sessions.create", { key: sessionKey, label });
  }
  const parts = started.move();
  return { rig, client, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

describe("a session is found by the short id in its address", () => {
  const found = { ok: true, key: TRIP, agentId: "main" };

  test.each(["7723538e", "7723538E1111", "7723538e111142228333444455556666"])("%s", async (shortId) => {
    await using to = await stage({ [TRIP]: "The trip", "no-uuid-7723538e": "Other" });
    expect(await to.client.request("sessions.resolve", { shortId, agentId: "main", allowMissing: true })).toEqual(
      found,
    );
  });

  test("when it is archived, and after a restart of the gateway", async () => {
    await using to = await stage({ [TRIP]: "The trip" });
    await to.client.request("sessions.patch", { key: TRIP, archived: true });
    await using again = await to.rig.restart();
    using client = await again.client();
    expect(await client.request("sessions.resolve", { shortId: "7723538e" })).toEqual(found);
  });

  test("with the others of its kind as candidates, unless the name in the address chooses one", async () => {
    await using to = await stage({ [TRIP]: "The trip", [TWIN]: "The twin" });
    const resolve = (params: object) => to.client.request("sessions.resolve", params);
    expect(await resolve({ shortId: "7723538e" })).toEqual({
      ok: false,
      candidates: [
        { key: TRIP, agentId: "main", displayName: "The trip" },
        { key: TWIN, agentId: "main", displayName: "The twin" },
      ],
    });
    expect(await resolve({ shortId: "7723538e", slugHint: "the-trip" })).toEqual(found);
    expect(await resolve({ shortId: "7723538e1", slugHint: "the-twin" })).toEqual(found);
  });

  test.each([
    ["a label", { label: "The trip" }],
    ["a display name", { label: "The trip", displayName: "To the coast" }],
    ["neither", {}],
  ])("with the display name its row has, given %s: the page would go back and forth between two", async (_, names) => {
    await using to = await stage({});
    await to.client.request("sessions.create", { key: TRIP, ...names });
    await to.client.request("chat.send", { sessionKey: TRIP, message: "Where to?", idempotencyKey: "r1" });
    to.rig.call.text("The coast").finish();
    await to.client.ended("r1");
    const { session } = (await to.client.request("sessions.describe", { key: TRIP })) as { session: object };
    const resolved = await to.client.request("sessions.resolve", { shortId: "7723538e" });
    expect(resolved).toEqual({ ...found, ...("displayName" in session && { displayName: session.displayName }) });
  });

  test("at the start of a page, with its history", async () => {
    await using to = await stage({ [TRIP]: "The trip" });
    const { client, rig } = to;
    await client.request("chat.send", { sessionKey: TRIP, message: "Where to?", idempotencyKey: "r1" });
    rig.call.text("The coast").finish();
    await client.ended("r1");
    expect(await client.request("chat.startup", { shortId: "7723538e", agentId: "main", limit: 80 })).toMatchObject({
      sessionKey: TRIP,
      messages: [{ role: "user" }, { role: "assistant" }],
      resolution: found,
    });
    const missing = await client.request("chat.startup", { shortId: "00000000", agentId: "main" });
    expect(missing).toEqual({ resolution: { ok: false } });
  });
});

describe("a session is found by a reference", () => {
  test("to its key, or by its name where the key is unknown", async () => {
    await using to = await stage({ [TRIP]: "Trip to the coast, dear deadbeef", plain: "Plain" });
    const resolve = (reference: object) =>
      to.client.request("sessions.resolve", { reference, agentId: "main", allowMissing: true });
    expect(await resolve({ key: "agent:main:plain" })).toMatchObject({ ok: true, key: "agent:main:plain" });
    // A last word that could be a short id is left out of a slug.
    expect(await resolve({ key: "agent:main:gone", slug: "trip-to-the-coast-dear" })).toMatchObject({ key: TRIP });
    // Only sessions with a short id have such addresses.
    expect(await resolve({ key: "agent:main:gone", slug: "plain" })).toEqual({ ok: false });
    expect(await resolve({ key: "agent:main:gone" })).toEqual({ ok: false });
  });
});

test.each([
  [{}, "provide exactly one of key, sessionId, label, shortId or reference"],
  [{ key: "main", label: "Main" }, "provide exactly one of key, sessionId, label, shortId or reference"],
  [{ key: "main", slugHint: "main" }, "slugHint requires shortId"],
  [{ shortId: "7723" }, "shortId must be 8-32 hexadecimal characters"],
  [{ shortId: "not-a-hex" }, "shortId must be 8-32 hexadecimal characters"],
])("the reference %j is refused", async (params, message) => {
  await using to = await stage({});
  expect(await to.client.refusal("sessions.resolve", params)).toMatchObject({ code: "INVALID_REQUEST", message });
});
