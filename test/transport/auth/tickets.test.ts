import { describe, expect, test } from "@jest/globals";
import type { Caller } from "../../../src/core/caller/caller.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Lockout } from "../../../src/transport/admit/lockout.ts";
import { TICKET_MS, Tickets } from "../../../src/transport/auth/tickets.ts";

const PAGE = "https://chat.example.com";
const alice: Caller = { name: "alice" };

function setUp() {
  const time = { ms: 0 };
  const clock = { now: () => time.ms, wall: () => time.ms };
  const gone = new Set<string>();
  const lockout = new Lockout({ failuresPerMinute: 3, lockoutMs: 60_000, clock });
  const authenticator = {
    required: true,
    authenticate: () => undefined,
    failed() {},
    current(caller: Caller) {
      if (gone.has(caller.name)) throw new GatewayError("unauthorized", "the key was revoked");
      return { ...caller };
    },
  };
  const tickets = new Tickets({ authenticator, lockout, clock });
  const issue = (caller = alice, upstreamKey?: string) => tickets.issue({ caller, upstreamKey }, PAGE);
  const redeem = (ticket: string, origin: string | undefined = PAGE, address = "a") => {
    try {
      return tickets.redeem(ticket, origin, address);
    } catch (error) {
      return (error as GatewayError).code;
    }
  };
  return { tickets, time, gone, issue, redeem };
}

describe("a ticket", () => {
  test("is 256 random bits, and authenticates its caller, with the upstream key it was issued for", () => {
    const { issue, redeem } = setUp();
    const ticket = issue(alice, "sk-own");
    expect(Buffer.from(ticket, "base64url")).toHaveLength(32);
    expect(ticket).not.toBe(issue());
    expect(redeem(ticket)).toEqual({ caller: alice, upstreamKey: "sk-own" });
  });

  test("works once", () => {
    const { issue, redeem } = setUp();
    const ticket = issue();
    redeem(ticket);
    expect(redeem(ticket)).toBe("unauthorized");
  });

  test("is valid for 30 seconds", () => {
    const { issue, redeem, time } = setUp();
    const [first, second] = [issue(), issue()];
    time.ms = TICKET_MS - 1;
    expect(redeem(first)).toMatchObject({ caller: alice });
    time.ms = TICKET_MS;
    expect(redeem(second)).toBe("unauthorized");
    expect(TICKET_MS).toBe(30_000);
  });

  test.each([["https://evil.example.com"], ["null"], [undefined]])(
    "of a page is no use to %s, and then to nobody",
    (other) => {
      const { issue, tickets } = setUp();
      const ticket = issue();
      expect(() => tickets.redeem(ticket, other, "a")).toThrow("bound to another origin");
      expect(() => tickets.redeem(ticket, PAGE, "a")).toThrow("the ticket is unknown");
    },
  );

  test("that was issued for no page works only for clients without an Origin", () => {
    const { tickets } = setUp();
    const identity = { caller: alice, upstreamKey: undefined };
    expect(tickets.redeem(tickets.issue(identity, undefined), undefined, "a")).toEqual(identity);
    expect(() => tickets.redeem(tickets.issue(identity, undefined), PAGE, "a")).toThrow("bound to another origin");
  });

  test("grants what its caller may do when it is used", () => {
    const { issue, redeem, gone } = setUp();
    const ticket = issue();
    gone.add("alice");
    expect(redeem(ticket)).toBe("unauthorized");
  });

  test("guesses lock the address out, but a valid ticket still works from there", () => {
    const { issue, redeem } = setUp();
    const ticket = issue();
    for (let guess = 0; guess < 3; guess++) expect(redeem(`guess ${guess}`)).toBe("unauthorized");
    expect(redeem("guess")).toBe("rate_limited");
    expect(redeem(ticket)).toMatchObject({ caller: alice });
    expect(redeem(ticket)).toBe("rate_limited");
  });

  test("a caller may have a thousand unused ones; used and expired ones make room, and other callers are unaffected", () => {
    const { issue, redeem, time } = setUp();
    const first = issue();
    for (let made = 1; made < 1_000; made++) issue();
    expect(() => issue()).toThrow("too many unused tickets");
    expect(issue({ name: "bob" })).toEqual(expect.any(String));
    redeem(first);
    issue();
    expect(() => issue()).toThrow("too many unused tickets");
    time.ms = TICKET_MS;
    expect(issue()).toEqual(expect.any(String));
  });
});
