import { describe, expect, test } from "@jest/globals";
import { type GatewayKey, KeyRing } from "../../../src/core/caller/key-ring.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Lockout } from "../../../src/transport/admit/lockout.ts";
import { createAuthenticator } from "../../../src/transport/auth/authenticator.ts";
import { freshSecret, idOfSecret, keyFor, sha256Of } from "../../support/gateways/gateway-key.ts";

interface Setting {
  readonly token?: string | undefined;
  readonly required?: boolean;
  readonly keys?: readonly GatewayKey[];
}

function setUp({ token, required = false, keys = [] }: Setting = { token: "right-token" }) {
  const time = { ms: 0 };
  const clock = { now: () => time.ms, wall: () => time.ms };
  const ring = new KeyRing(clock.wall);
  ring.replace(keys);
  const lockout = new Lockout({ failuresPerMinute: 3, lockoutMs: 60_000, clock });
  const authenticator = createAuthenticator({ token, required, keys: ring, lockout });
  const refusal = (given: string | undefined, address: string): GatewayError | undefined => {
    try {
      authenticator.authenticate(given, address);
    } catch (error) {
      return error as GatewayError;
    }
    return undefined;
  };
  return { authenticator, ring, time, refusal };
}

describe("the shared token", () => {
  test("without one, and without keys, every client is accepted as local", () => {
    const { authenticator } = setUp({});
    expect(authenticator.required).toBe(false);
    expect(authenticator.authenticate(undefined, "a")).toEqual({ name: "local" });
    expect(authenticator.current({ name: "local" })).toEqual({ name: "local" });
  });

  test("an empty one counts: no client is accepted without credentials", () => {
    const { authenticator } = setUp({ token: "" });
    expect(authenticator.required).toBe(true);
    expect(authenticator.authenticate(undefined, "a")).toBeUndefined();
  });

  test("the correct one is accepted; a wrong, shorter, longer or missing one is not", () => {
    const { authenticator } = setUp();
    expect(authenticator.authenticate("right-token", "10.0.0.1")).toEqual({ name: "token" });
    for (const wrong of ["wrong-token", "right", "right-token ", ""]) {
      expect(authenticator.authenticate(wrong, `address of ${wrong}`)).toBeUndefined();
    }
    expect(authenticator.authenticate(undefined, "10.0.0.1")).toBeUndefined();
  });

  test("three wrong ones within a minute lock the address out: wrong ones have to wait, the correct one is accepted", () => {
    const { authenticator, time, refusal } = setUp();
    for (let i = 0; i < 3; i++) expect(authenticator.authenticate("wrong", "10.0.0.1")).toBeUndefined();
    expect(refusal("wrong", "10.0.0.1")).toMatchObject({ code: "rate_limited", retryAfterMs: 60_000 });
    expect(authenticator.authenticate("right-token", "10.0.0.1")).toEqual({ name: "token" });
    expect(authenticator.authenticate("wrong", "10.0.0.2")).toBeUndefined();
    time.ms = 60_001;
    expect(authenticator.authenticate("wrong", "10.0.0.1")).toBeUndefined();
  });

  test("a client without one gets unauthorized even from a locked-out address: it guessed nothing", () => {
    const { authenticator } = setUp();
    for (let i = 0; i < 3; i++) authenticator.authenticate("wrong", "10.0.0.1");
    expect(authenticator.authenticate(undefined, "10.0.0.1")).toBeUndefined();
  });

  test("the correct one among several is accepted, and the wrong ones do not count as failures", () => {
    const { authenticator, refusal } = setUp();
    for (let i = 0; i < 10; i++) {
      expect(authenticator.authenticate("a-login", "10.0.0.1", "right-token")).toEqual({ name: "token" });
      expect(authenticator.authenticate("right-token", "10.0.0.1", "a-login")).toEqual({ name: "token" });
    }
    expect(refusal("wrong", "10.0.0.1")).toBeUndefined();
  });

  test("several wrong ones count as several failures", () => {
    const { authenticator, refusal } = setUp();
    expect(authenticator.authenticate("wrong", "10.0.0.1", "wronger", "wrongest")).toBeUndefined();
    expect(refusal("wrong", "10.0.0.1")?.code).toBe("rate_limited");
  });

  test("failures spread over more than a minute do not add up", () => {
    const { authenticator, time } = setUp();
    for (let i = 0; i < 6; i++) {
      expect(authenticator.authenticate("wrong", "10.0.0.1")).toBeUndefined();
      time.ms += 61_000;
    }
  });

  test("an IPv6 client counts by its /64 network, an IPv4-mapped one as its IPv4 address", () => {
    const { authenticator, refusal } = setUp();
    for (let i = 0; i < 3; i++) authenticator.authenticate("wrong", `2001:db8:1:2::${i}`);
    expect(refusal("wrong", "2001:DB8:1:2:ffff::1")?.code).toBe("rate_limited");
    expect(refusal("wrong", "2001:db8:1:3::1")).toBeUndefined();
    for (let i = 0; i < 3; i++) authenticator.authenticate("wrong", "::ffff:10.0.0.9");
    expect(refusal("wrong", "10.0.0.9")?.code).toBe("rate_limited");
  });
});

describe("a gateway key", () => {
  const secret = freshSecret();

  test("identifies its caller and grants; the shared token still works", () => {
    const { authenticator } = setUp({ token: "right-token", keys: [keyFor("alice", secret, { scopes: ["read"] })] });
    expect(authenticator.authenticate(secret, "a")).toMatchObject({
      name: "alice",
      grant: { keyId: "key_alice", secretId: idOfSecret(secret), scopes: new Set(["read"]) },
    });
    expect(authenticator.authenticate("right-token", "a")).toEqual({ name: "token" });
  });

  test("from the first one on credentials are required, even after it is revoked", () => {
    const { authenticator, ring } = setUp({});
    const local = authenticator.authenticate(undefined, "a");
    ring.replace([keyFor("alice", secret, { revokedAt: 1 })]);
    expect(authenticator.required).toBe(true);
    expect(authenticator.authenticate(undefined, "a")).toBeUndefined();
    expect(() => authenticator.current(local ?? { name: "local" })).toThrow("credentials are now required");
  });

  test("the configuration may require credentials before there is a key", () => {
    const { authenticator } = setUp({ required: true });
    expect(authenticator.required).toBe(true);
    expect(authenticator.authenticate(undefined, "a")).toBeUndefined();
  });

  test("a typo is distinguished from a wrong key", () => {
    const { authenticator, refusal } = setUp({ keys: [keyFor("alice", secret)] });
    const typo = `${secret.slice(0, 20)}${secret[20] === "a" ? "b" : "a"}${secret.slice(21)}`;
    expect(refusal(typo, "a")).toMatchObject({ code: "unauthorized", message: expect.stringContaining("mistyped") });
    expect(refusal(secret.slice(0, -1), "a")).toMatchObject({ message: expect.stringContaining("mistyped") });
    expect(authenticator.authenticate(freshSecret(), "b")).toBeUndefined();
  });

  test("a digest that merely begins like the correct one is refused", () => {
    const forged = { sha256: `${sha256Of(secret).slice(0, 16)}${"0".repeat(48)}` };
    const { authenticator } = setUp({ keys: [keyFor("alice", freshSecret(), { secrets: [forged] })] });
    expect(authenticator.authenticate(secret, "a")).toBeUndefined();
  });

  test("one that is revoked or expired is refused with the reason", () => {
    const { ring, refusal } = setUp({ keys: [keyFor("alice", secret, { revokedAt: 1 })] });
    expect(refusal(secret, "a")).toMatchObject({ code: "unauthorized", message: "the key was revoked" });
    ring.replace([keyFor("alice", secret, { expiresAt: 0 })]);
    expect(refusal(secret, "a")).toMatchObject({ code: "unauthorized", message: "the key has expired" });
  });

  test.each([
    ["a mistyped key", `${secret}x`, [keyFor("alice", freshSecret())]],
    ["an unknown key", freshSecret(), [keyFor("alice", freshSecret())]],
    ["a revoked key", secret, [keyFor("alice", secret, { revokedAt: 1 })]],
    ["an expired key", secret, [keyFor("alice", secret, { expiresAt: 0 })]],
    ["an empty secret", "", [keyFor("alice", freshSecret())]],
  ])("%s counts as a failure of its address", (_, wrong, keys) => {
    const good = freshSecret();
    const { authenticator, refusal } = setUp({ keys: [...keys, keyFor("bob", good)] });
    for (let i = 0; i < 3; i++) expect(refusal(wrong, "10.0.0.1")?.code).not.toBe("rate_limited");
    expect(refusal(wrong, "10.0.0.1")).toMatchObject({
      code: "rate_limited",
      setting: "limits.requests.authFailuresPerMinute",
    });
    expect(authenticator.authenticate(good, "10.0.0.1")).toMatchObject({ name: "bob" });
  });

  test("failures of every kind add up, including those a face reports", () => {
    const { authenticator, refusal } = setUp({ token: "right-token", keys: [keyFor("alice", secret)] });
    refusal("wrong-token", "a");
    refusal(`${secret}x`, "a");
    expect(authenticator.authenticate(secret, "a")).toBeDefined();
    authenticator.failed("a");
    expect(refusal("wrong-token", "a")?.code).toBe("rate_limited");
    expect(() => authenticator.failed("a")).toThrow("too many failed attempts");
    expect(authenticator.authenticate(secret, "a")).toBeDefined();
  });

  test("a caller may do what its key grants now", () => {
    const { authenticator, ring } = setUp({ keys: [keyFor("alice", secret)] });
    const caller = authenticator.authenticate(secret, "a") ?? { name: "" };
    ring.replace([keyFor("alice", secret, { models: ["gpt"] })]);
    expect(authenticator.current(caller).grant?.models).toEqual(new Set(["gpt"]));
    ring.replace([keyFor("alice", secret, { revokedAt: 1 })]);
    expect(() => authenticator.current(caller)).toThrow("the key was revoked");
  });
});
