import { describe, expect, test } from "@jest/globals";
import { offeredSubprotocols, ticketOf, tokensOf } from "../../../src/transport/auth/credentials.ts";
import { upstreamKeyOf } from "../../../src/transport/auth/identity.ts";

const offered = (...names: readonly string[]) => ({ "sec-websocket-protocol": names.join(", ") });

describe("the credentials of a request", () => {
  test("are a bearer token, Anthropic's header and a subprotocol, in this order", () => {
    const subprotocol = offered("sluice.v1", `base64url.bearer.sluice.${Buffer.from("c").toString("base64url")}`);
    expect(tokensOf({ authorization: "Bearer a", "x-api-key": "b", ...subprotocol })).toEqual(["a", "b", "c"]);
    expect(tokensOf({ "x-api-key": "b", ...subprotocol })).toEqual(["b", "c"]);
    expect(tokensOf(subprotocol)).toEqual(["c"]);
    expect(tokensOf({ authorization: "Bearer a", "x-api-key": "a" })).toEqual(["a"]);
    expect(tokensOf({ authorization: "Basic YTpi", "x-api-key": "" })).toEqual([]);
    expect(tokensOf({})).toEqual([]);
  });

  test("a ticket has its own subprotocol", () => {
    expect(ticketOf(offered("sluice.v1", "ticket.sluice.abc-_"))).toBe("abc-_");
    expect(ticketOf(offered("sluice.v1"))).toBeUndefined();
    expect(tokensOf(offered("ticket.sluice.abc"))).toEqual([]);
    expect(offeredSubprotocols({})).toEqual([]);
  });

  test("an upstream key is a header; an empty one counts as absent", () => {
    expect(upstreamKeyOf({ headers: { "x-sluice-upstream-key": "sk-own" } })).toBe("sk-own");
    expect(upstreamKeyOf({ headers: { "x-sluice-upstream-key": "" } })).toBeUndefined();
    expect(upstreamKeyOf({ headers: {} })).toBeUndefined();
  });
});
