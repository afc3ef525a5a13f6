import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KeyRing } from "../../../src/core/caller/key-ring.ts";
import { toGatewayError } from "../../../src/core/kernel/errors.ts";
import { Lockout } from "../../../src/transport/admit/lockout.ts";
import { createAuthenticator } from "../../../src/transport/auth/authenticator.ts";

const MINUTE = 60_000;
const RIGHT = "right-token";

/** Attempts from one address: a wrong or correct token, none, or a bad signature reported by a face. */
type Kind = "wrong" | "right" | "none" | "signature";
interface Attempt {
  readonly kind: Kind;
  readonly atMs: number;
}
type Outcome = "in" | "refused" | "locked out";

interface Rules {
  readonly failuresPerMinute: number;
  readonly lockoutMs: number;
}

function gate(rules: Rules) {
  const time = { ms: 0 };
  const clock = { now: () => time.ms, wall: () => time.ms };
  const lockout = new Lockout({ ...rules, clock });
  const authenticator = createAuthenticator({ token: RIGHT, required: true, keys: new KeyRing(clock.wall), lockout });
  const secrets = { wrong: "wrong-token", right: RIGHT, none: undefined };
  return (address: string, { kind, atMs }: Attempt): Outcome => {
    time.ms = atMs;
    try {
      if (kind !== "signature") return authenticator.authenticate(secrets[kind], address) ? "in" : "refused";
      authenticator.failed(address);
      return "refused";
    } catch (error) {
      return toGatewayError(error).code === "rate_limited" ? "locked out" : "refused";
    }
  };
}

const play = (rules: Rules, attempts: readonly Attempt[]): readonly Outcome[] => {
  const attempt = gate(rules);
  return attempts.map((one) => attempt("203.0.113.1", one));
};

const isFailure = ({ kind }: Attempt) => kind === "wrong" || kind === "signature";

/** Locked out by definition: a minute with too many failures, the last of them less than `lockoutMs` ago. */
function isLockedOut({ failuresPerMinute, lockoutMs }: Rules, before: readonly Attempt[], now: number): boolean {
  const times = before.filter(isFailure).map(({ atMs }) => atMs);
  return times.some((last, at) => {
    const first = times[at - failuresPerMinute + 1];
    return first !== undefined && last - first <= MINUTE && now < last + lockoutMs;
  });
}

const rules = fc.record({
  failuresPerMinute: fc.integer({ min: 1, max: 6 }),
  lockoutMs: fc.constantFrom(1, 10_000, MINUTE, 15 * MINUTE),
});
const kind = fc.constantFrom<Kind>("wrong", "wrong", "wrong", "signature", "right", "none");
const pauseMs = fc.oneof(
  fc.nat(3),
  fc.nat(20_000),
  fc.constantFrom(MINUTE, MINUTE + 1, 15 * MINUTE),
  fc.nat(20 * MINUTE),
);
const attempts = fc.array(fc.tuple(kind, pauseMs), { maxLength: 40 }).map((steps) => {
  let atMs = 0;
  return steps.map(([of, pause]): Attempt => {
    atMs += pause;
    return { kind: of, atMs };
  });
});

describe("a lockout", () => {
  test("refuses wrong credentials with a wait after too many failures within a minute", () => {
    fc.assert(
      fc.property(rules, attempts, (limits, all) => {
        const expected = all.map((one, at): Outcome => {
          if (one.kind === "right") return "in";
          if (one.kind === "none") return "refused";
          return isLockedOut(limits, all.slice(0, at), one.atMs) ? "locked out" : "refused";
        });
        expect(play(limits, all)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("never becomes milder by another failure, whatever its kind and time", () => {
    const failure = fc.constantFrom<Kind>("wrong", "signature");
    fc.assert(
      fc.property(rules, attempts, failure, fc.nat(60 * MINUTE), (limits, all, of, atMs) => {
        const before = all.filter((one) => one.atMs <= atMs);
        const after = all.slice(before.length);
        const without = play(limits, all).slice(before.length);
        const withIt = play(limits, [...before, { kind: of, atMs }, ...after]).slice(before.length + 1);
        without.forEach((outcome, at) => {
          if (outcome === "locked out") expect(withIt[at]).toBe("locked out");
        });
      }),
      { numRuns: 2_000 },
    );
  });

  test("never refuses correct credentials, whatever their address has done", () => {
    fc.assert(
      fc.property(rules, attempts, fc.nat(60 * MINUTE), (limits, all, pause) => {
        const atMs = (all.at(-1)?.atMs ?? 0) + pause;
        expect(play(limits, [...all, { kind: "right", atMs }]).at(-1)).toBe("in");
      }),
    );
  });

  test("is not affected by other addresses, while fewer than ten thousand are locked out", () => {
    const attempt = gate({ failuresPerMinute: 2, lockoutMs: 15 * MINUTE });
    const wrong = { kind: "wrong", atMs: 0 } as const;
    for (let count = 0; count < 2; count++) attempt("203.0.113.1", wrong);
    for (let other = 0; other < 30_000; other++)
      attempt(`2001:db8:${(other >> 8).toString(16)}:${other & 255}::`, wrong);
    expect(attempt("203.0.113.1", wrong)).toBe("locked out");
  });
});
