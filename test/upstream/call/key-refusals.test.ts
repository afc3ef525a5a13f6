import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { KEY_REFUSED_MS, type KeyedRequest, KeyRefusals } from "../../../src/upstream/call/key-refusals.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const refusal = (status: number, details: Record<string, string> = {}) =>
  new GatewayError("upstream_http_error", "no", { details: { status, ...details } });

/** The refusals of one route, and whether each later request is answered at once, at a time that a test sets. */
function setUp() {
  let now = 0;
  const refusals = new KeyRefusals({ name: "sails", keyOrigin: "from SAILS_KEY" }, () => now);
  return {
    told: (error: GatewayError, request: KeyedRequest = { model: "a" }) => refusals.told(error, request),
    isShut(request: KeyedRequest = { model: "a" }) {
      try {
        refusals.check(request);
        return false;
      } catch {
        return true;
      }
    },
    at(ms: number) {
      now = ms;
    },
  };
}

describe("a refused key", () => {
  test("is told with the route's name and the provider's words, and is final", () => {
    const { told } = setUp();
    for (const status of [401, 403]) {
      expect(told(refusal(status, { type: "authentication_error" }))).toMatchObject({
        code: "upstream_http_error",
        message: "the provider refuses the key of the route sails (from SAILS_KEY): no",
        retryable: false,
        details: { status, type: "authentication_error", reason: "key_refused", route: "sails" },
      });
    }
  });

  test("shuts its route for all models, for five seconds", () => {
    const { told, isShut, at } = setUp();
    told(refusal(401));
    expect([isShut(), isShut({ model: "b" }), isShut({})]).toEqual([true, true, true]);
    at(KEY_REFUSED_MS - 1);
    expect(isShut()).toBe(true);
    at(KEY_REFUSED_MS);
    expect(isShut()).toBe(false);
  });

  test.each([
    [403, { type: "permission_error" }],
    [403, { code: "PERMISSION_DENIED" }],
    [401, { type: "key_model_access_denied" }],
    [401, { param: "model" }],
  ])("shuts one model where it may concern that alone: %i %j", (status, details) => {
    const { told, isShut } = setUp();
    told(refusal(status, details));
    expect([isShut(), isShut({ model: "b" })]).toEqual([true, false]);
  });

  test.each([
    [403, {}],
    [403, { type: "moderation" }],
    [403, { code: "content_policy_violation" }],
    [400, { type: "authentication_error" }],
    [429, {}],
  ])("shuts nothing where one request was refused: %i %j", (status, details) => {
    const { told, isShut } = setUp();
    told(refusal(status, details));
    expect(isShut()).toBe(false);
  });

  test("of a caller's own shuts nothing, keeps the provider's words, and is asked for while the route is shut", () => {
    const { told, isShut } = setUp();
    const own = { model: "a", isOwnKey: true };
    const error = refusal(401);
    expect(told(error, own)).toBe(error);
    expect(isShut()).toBe(false);
    told(refusal(401));
    expect([isShut(), isShut(own)]).toEqual([true, false]);
  });

  test("is remembered for a bounded number of models", () => {
    const { told, isShut } = setUp();
    for (let model = 0; model < 200; model++) told(refusal(403, { type: "permission_error" }), { model: `m${model}` });
    expect([isShut({ model: "m0" }), isShut({ model: "m199" })]).toEqual([false, true]);
  });
});

test("a call of a shut route fails with the provider's words, without a call upstream and unsent", async () => {
  await using upstream = await startScriptedUpstream();
  await using client = openUpstream(upstream.url);
  upstream.respondWith(
    (exchange) => void exchange.json(401, { error: { type: "authentication_error", message: "bad" } }),
  );
  const message = "the provider refuses the key of the route test: bad";
  for (let times = 0; times < 3; times++) {
    const { call, sink } = startCall(client);
    expect(await sink.done).toMatchObject({ code: "upstream_http_error", message, retryable: false });
    expect(call.isSent).toBe(false);
  }
  expect(upstream.requests).toBe(1);
  const own = startCall(client, { isOwnKey: true });
  expect(await own.sink.done).toMatchObject({ message: "bad" });
  expect(upstream.requests).toBe(2);
});
