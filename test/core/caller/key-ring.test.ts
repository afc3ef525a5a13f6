import { describe, expect, test } from "@jest/globals";
import { type GatewayKey, KeyRing } from "../../../src/core/caller/key-ring.ts";
import { freshSecret, idOfSecret, keyFor, sha256Of } from "../../support/gateways/gateway-key.ts";

function ringOf(...keys: readonly GatewayKey[]) {
  const time = { ms: 1_000 };
  const ring = new KeyRing(() => time.ms);
  ring.replace(keys);
  return { ring, time };
}

const secret = freshSecret();

describe("the key ring", () => {
  test("finds a key by its secret's id, and returns the digest to compare with", () => {
    const { ring } = ringOf(keyFor("alice", secret));
    expect(ring.find(idOfSecret(secret))).toEqual({ sha256: sha256Of(secret), keyId: "key_alice" });
    expect(ring.find(idOfSecret(freshSecret()))).toBeUndefined();
  });

  test("gives a caller what its key grants", () => {
    const { ring } = ringOf(
      keyFor("alice", secret, { models: ["gpt"], caps: { tokensPerDay: 5 }, away: "finish", onAbort: "drain" }),
    );
    expect(ring.caller("key_alice", idOfSecret(secret))).toEqual({
      name: "alice",
      grant: {
        keyId: "key_alice",
        secretId: idOfSecret(secret),
        scopes: new Set(["chat", "streams"]),
        models: new Set(["gpt"]),
        routes: undefined,
        caps: { tokensPerDay: 5 },
        away: "finish",
        onAbort: "drain",
        upstreamKeys: "managed",
      },
    });
  });

  test("rejects a key that is revoked, expired or unknown", () => {
    const { ring, time } = ringOf(
      keyFor("alice", secret, { revokedAt: 1 }),
      keyFor("bob", freshSecret(), { expiresAt: 2_000 }),
    );
    const bob = ring.caller("key_bob", undefined);
    expect(() => ring.caller("key_alice", undefined)).toThrow("the key was revoked");
    expect(ring.isGood(bob)).toBe(true);
    time.ms = 2_000;
    expect(() => ring.caller("key_bob", undefined)).toThrow("the key has expired");
    expect(ring.isGood(bob)).toBe(false);
    ring.replace([]);
    expect(() => ring.caller("key_bob", undefined)).toThrow("the key no longer exists");
    expect(ring.isGood(bob)).toBe(false);
  });

  test("accepts the old secret of a rotated key until it expires, and the new one; streams of both stay valid", () => {
    const [old, fresh] = [freshSecret(), freshSecret()];
    const { ring, time } = ringOf(
      keyFor("alice", fresh, { secrets: [{ sha256: sha256Of(fresh) }, { sha256: sha256Of(old), until: 5_000 }] }),
    );
    const caller = ring.caller("key_alice", idOfSecret(old));
    time.ms = 5_000;
    expect(() => ring.caller("key_alice", idOfSecret(old))).toThrow("the key was rotated");
    expect(ring.caller("key_alice", idOfSecret(fresh)).name).toBe("alice");
    expect(ring.isGood(caller)).toBe(true);
  });

  test("rejects a secret removed by rotation, and one of another key", () => {
    const { ring } = ringOf(keyFor("alice", freshSecret()), keyFor("bob", secret));
    expect(() => ring.caller("key_alice", idOfSecret(freshSecret()))).toThrow("the key was rotated");
    expect(() => ring.caller("key_alice", idOfSecret(secret))).toThrow("the key was rotated");
  });

  test("considers callers without a key valid", () => {
    expect(ringOf().ring.isGood({ name: "token" })).toBe(true);
  });

  test("remembers that keys were created even if all are revoked", () => {
    expect(ringOf().ring.any).toBe(false);
    expect(ringOf(keyFor("alice", secret, { revokedAt: 1 })).ring.any).toBe(true);
  });

  test("reports once that a key or a secret has expired", () => {
    const { ring, time } = ringOf(
      keyFor("alice", secret, { expiresAt: 3_000 }),
      keyFor("bob", freshSecret(), { secrets: [{ sha256: sha256Of(freshSecret()), until: 2_000 }] }),
    );
    expect(ring.lapsed()).toBe(false);
    time.ms = 2_000;
    expect([ring.lapsed(), ring.lapsed()]).toEqual([true, false]);
    time.ms = 3_000;
    expect([ring.lapsed(), ring.lapsed()]).toEqual([true, false]);
  });
});
