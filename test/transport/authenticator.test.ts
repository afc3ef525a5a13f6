import { describe, expect, test } from "@jest/globals";
import type { GatewayError } from "../../src/core/errors.ts";
import { createAuthenticator } from "../../src/transport/authenticator.ts";

function setUp(token: string | undefined = "right-token") {
  const time = { ms: 0 };
  const authenticator = createAuthenticator({
    token,
    failuresPerMinute: 3,
    lockoutMs: 60_000,
    clock: { now: () => time.ms, wall: () => time.ms },
  });
  const refusal = (given: string | undefined, address: string): GatewayError | undefined => {
    try {
      authenticator.authenticate(given, address);
    } catch (error) {
      return error as GatewayError;
    }
    return undefined;
  };
  return { authenticator, time, refusal };
}

describe("the shared token", () => {
  test("without one configured everybody is let in as local", () => {
    const { authenticator } = setUp("");
    expect(
      createAuthenticator({
        token: undefined,
        failuresPerMinute: 1,
        lockoutMs: 1,
        clock: { now: () => 0, wall: () => 0 },
      }).authenticate(undefined, "a"),
    ).toEqual({ name: "local" });
    expect(authenticator.required).toBe(true);
  });

  test("the right one is let in; a wrong, shorter, longer or missing one is not", () => {
    const { authenticator } = setUp();
    expect(authenticator.authenticate("right-token", "10.0.0.1")).toEqual({ name: "token" });
    for (const wrong of ["wrong-token", "right", "right-token ", ""]) {
      expect(authenticator.authenticate(wrong, `address of ${wrong}`)).toBeUndefined();
    }
    expect(authenticator.authenticate(undefined, "10.0.0.1")).toBeUndefined();
  });

  test("three wrong ones within a minute lock the address out, the right one included, until the time is over", () => {
    const { authenticator, time, refusal } = setUp();
    for (let i = 0; i < 3; i++) authenticator.authenticate("wrong", "10.0.0.1");
    expect(refusal("right-token", "10.0.0.1")?.code).toBe("rate_limited");
    expect(refusal("right-token", "10.0.0.1")?.retryAfterMs).toBe(60_000);
    expect(authenticator.authenticate("right-token", "10.0.0.2")).toBeDefined();
    time.ms = 60_001;
    expect(authenticator.authenticate("right-token", "10.0.0.1")).toBeDefined();
  });

  test("failures spread over more than a minute do not add up", () => {
    const { authenticator, time, refusal } = setUp();
    for (let i = 0; i < 6; i++) {
      authenticator.authenticate("wrong", "10.0.0.1");
      time.ms += 61_000;
    }
    expect(refusal("right-token", "10.0.0.1")).toBeUndefined();
  });

  test("an IPv6 client counts by its /64 network, an IPv4-mapped one as its IPv4 address", () => {
    const { authenticator, refusal } = setUp();
    for (let i = 0; i < 3; i++) authenticator.authenticate("wrong", `2001:db8:1:2::${i}`);
    expect(refusal("right-token", "2001:db8:1:2:ffff::1")?.code).toBe("rate_limited");
    expect(refusal("right-token", "2001:db8:1:3::1")).toBeUndefined();
    for (let i = 0; i < 3; i++) authenticator.authenticate("wrong", "::ffff:10.0.0.9");
    expect(refusal("right-token", "10.0.0.9")?.code).toBe("rate_limited");
  });
});
