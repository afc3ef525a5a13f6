import { describe, expect, test } from "@jest/globals";
import { KeyRing } from "../../../../../src/core/caller/key-ring.ts";
import { Lockout } from "../../../../../src/transport/admit/lockout.ts";
import { createAuthenticator } from "../../../../../src/transport/auth/authenticator.ts";
import { freshSecret, keyFor } from "../../../../support/gateways/gateway-key.ts";
import type { OpenClawClient } from "../../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../../support/openclaw/openclaw-rig.ts";

const entriesOf = async (client: OpenClawClient, keys?: readonly string[]) =>
  (await client.request("users.prefs.get", keys && { keys })).entries;

const set = (client: OpenClawClient, entries: object, expectedEntries?: object) =>
  client.request("users.prefs.set", { entries, ...(expectedEntries && { expectedEntries }) });

const numbered = (from: number, to: number) =>
  Object.fromEntries(Array.from({ length: to - from }, (_, index) => [`key ${from + index}`, index]));

test("a user's profile has the id of its presence, and nothing else to show", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const [self] = (await client.request("system-presence")) as unknown as { user: { id: string } }[];
  const { profile } = await client.request("users.self");
  expect(profile).toMatchObject({ id: self?.user.id, displayName: null, emails: [], hasAvatar: false });
  expect((await client.request("users.github.status")).personal).toMatchObject({ state: "unavailable" });
});

describe("preferences", () => {
  test("are read by another connection, and after a restart", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await entriesOf(client)).toEqual({});
    await set(client, { "ui.theme": "dark", pins: ["a", { b: null }] });
    using other = await rig.client();
    expect(await entriesOf(other)).toEqual({ "ui.theme": "dark", pins: ["a", { b: null }] });
    await using later = await rig.restart();
    using again = await later.client();
    expect(await entriesOf(again, ["ui.theme", "missing"])).toEqual({ "ui.theme": "dark" });
  });

  test("are removed by null", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await set(client, { a: 1, b: 2 });
    await set(client, { a: null });
    expect(await entriesOf(client)).toEqual({ b: 2 });
  });

  test("change only if they are as the client expects", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await set(client, { a: 1 }, { a: null })).toEqual({ status: "ok" });
    expect(await set(client, { a: 2 }, { a: null })).toEqual({ status: "conflict" });
    expect(await set(client, { a: 2 }, { a: { deep: 1 } })).toEqual({ status: "conflict" });
    expect(await entriesOf(client)).toEqual({ a: 1 });
    expect(await set(client, { a: 2 }, { a: 1 })).toEqual({ status: "ok" });
    expect(await entriesOf(client)).toEqual({ a: 2 });
  });

  test("that change are told to every connection of the same user", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    using other = await rig.client();
    await set(client, { a: 1, b: 2 });
    const news = await other.until(() => other.payloads("users.prefs.changed")[0]);
    expect(news).toMatchObject({ keys: ["a", "b"] });
    const user = { id: news.profileId, identity: { type: "profile", id: news.profileId } };
    expect(await client.request("system-presence")).toMatchObject([{ user }, { user }]);
  });

  test("belong to one key: another key neither reads them nor hears of them", async () => {
    const [alice, bob] = [freshSecret(), freshSecret()];
    const ring = new KeyRing(() => 0);
    ring.replace([keyFor("alice", alice), keyFor("bob", bob)]);
    const clock = { now: () => 0, wall: () => 0 };
    const lockout = new Lockout({ failuresPerMinute: 3, lockoutMs: 60_000, clock });
    const authenticator = createAuthenticator({ token: undefined, required: false, keys: ring, lockout });
    await using rig = await startRig({ authenticator });
    using one = await rig.client({ token: alice });
    using other = await rig.client({ token: bob });
    await set(one, { a: 1 });
    expect(await entriesOf(other)).toEqual({});
    await set(other, { b: 2 });
    await other.until(() => other.payloads("users.prefs.changed").some(({ keys }) => String(keys) === "b"));
    expect(other.payloads("users.prefs.changed")).toHaveLength(1);
    expect(await entriesOf(one)).toEqual({ a: 1 });
  });

  test("are at most 128 of 4 KiB each, 32 in one request; one too many changes nothing", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (let from = 0; from < 128; from += 32) await set(client, numbered(from, from + 32));
    expect(await client.refusal("users.prefs.set", { entries: { more: 1 } })).toMatchObject({
      code: "INVALID_REQUEST",
      details: { code: "USER_PREFS_LIMIT_EXCEEDED", limit: 128, currentCount: 128 },
    });
    await set(client, { "key 0": null, more: "x".repeat(4_094) });
    expect(await client.refusal("users.prefs.set", { entries: { more: "x".repeat(4_095) } })).toMatchObject({
      message: "invalid users.prefs.set entry for more: value-too-large",
    });
    expect(await client.refusal("users.prefs.set", { entries: numbered(0, 33) })).toMatchObject({
      message: "invalid users.prefs.set params: at /entries: must have at most 32 entries",
    });
    expect(Object.keys((await entriesOf(client)) as object)).toHaveLength(128);
  });
});
