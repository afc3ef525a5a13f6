import { describe, expect, test } from "@jest/globals";
import { offeredSubprotocols, ticketOf, tokenOf } from "../../../src/transport/auth/credentials.ts";
import { upstreamKeyOf } from "../../../src/transport/auth/identity.ts";

const offered = (...names: readonly string[]) => ({ "sec-websocket-protocol": names.join(", ") });

describe("the credentials of a request", () => {
  test("are a bearer token, Anthropic's header, or a subprotocol, in this order", () => {
    const subprotocol = offered("sluice.v1", `base64url.bearer.sluice.${Buffer.from("c").toString("base64url")}`);
    expect(tokenOf({ authorization: "Bearer a", "x-api-key": "b", ...subprotocol })).toBe("a");
    expect(tokenOf({ "x-api-key": "b", ...subprotocol })).toBe("b");
    expect(tokenOf(subprotocol)).toBe("c");
    expect(tokenOf({ authorization: "Basic YTpi" })).toBeUndefined();
    expect(tokenOf({})).toBeUndefined();
  });

  test("a ticket is a subprotocol of its own", () => {
    expect(ticketOf(offered("sluice.v1", "ticket.sluice.abc-_"))).toBe("abc-_");
    expect(ticketOf(offered("sluice.v1"))).toBeUndefined();
    expect(tokenOf(offered("ticket.sluice.abc"))).toBeUndefined();
    expect(offeredSubprotocols({})).toEqual([]);
  });

  test("an upstream key is a header; an empty one is none", () => {
    expect(upstreamKeyOf({ headers: { "x-sluice-upstream-key": "sk-own" } })).toBe("sk-own");
    expect(upstreamKeyOf({ headers: { "x-sluice-upstream-key": "" } })).toBeUndefined();
    expect(upstreamKeyOf({ headers: {} })).toBeUndefined();
  });
});
