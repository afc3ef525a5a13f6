import { describe, expect, test } from "@jest/globals";
import type { Route } from "../../../src/core/dialect/routing.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { PassThroughRequest, PassThroughSink } from "../../../src/core/ports/pass-through.ts";
import { Probes } from "../../../src/core/probe/probes.ts";
import { dialects } from "../../../src/dialects/registry.ts";

const dialectNamed = (name: string) => {
  const dialect = dialects.get(name);
  if (!dialect) throw new Error(`no dialect ${name}`);
  return dialect;
};

const route = (name: string, more: Partial<Route> = {}): Route => ({
  name,
  dialect: dialectNamed("openai-chat"),
  key: `sk-of-${name}`,
  headers: {},
  probe: { everyMs: 10_000 },
  ...more,
});

/** Probes over calls that a test answers, at a time that it sets. */
function setUp(...routes: Route[]) {
  const calls: { request: PassThroughRequest; sink: PassThroughSink; aborted: boolean }[] = [];
  const outcomes: string[] = [];
  const probes = new Probes({
    upstream: {
      passThrough(request, sink) {
        const call = { request, sink, aborted: false };
        calls.push(call);
        return {
          isSent: true,
          write: () => true,
          endBody() {},
          pause() {},
          resume() {},
          abort() {
            call.aborted = true;
          },
        };
      },
    },
    routes: () => routes,
    targets: { probed: (name, error) => outcomes.push(`${name} ${error?.code ?? "works"}`) },
    probed: (name, outcome) => outcomes.push(`${name} counted ${outcome}`),
    clock: { now: () => 5_000, wall: () => 1_000_000 },
  });
  return { probes, calls, outcomes, routes };
}

/** Answers a probe with a body. */
function answer(call: { readonly sink: PassThroughSink } | undefined, body = ' {"data":[]}'): void {
  call?.sink.responded({ status: 200, requestId: undefined, headers: {} });
  if (body !== "") call?.sink.data(body);
  call?.sink.end();
}

describe("probes", () => {
  test("ask each route that wants it, with each of its keys, for its list of models", () => {
    const { probes, calls } = setUp(
      route("a", { twins: [route("a#2")] }),
      route("claude", { dialect: dialectNamed("anthropic-messages") }),
      route("silent", { probe: undefined }),
    );
    probes.sweep(0);
    expect(calls.map(({ request }) => `${request.route} ${request.method} ${request.path}`)).toEqual([
      "a GET /models",
      "a#2 GET /models",
      "claude GET /v1/models",
    ]);
    expect(calls[0]?.request.headers).toEqual({ authorization: "Bearer sk-of-a" });
  });

  test("come at the interval, and not while the last one runs", () => {
    const { probes, calls } = setUp(route("a"));
    probes.sweep(0);
    probes.sweep(9_999);
    expect(calls).toHaveLength(1);
    answer(calls[0]);
    probes.sweep(9_999);
    expect(calls).toHaveLength(1);
    probes.sweep(10_000);
    expect(calls).toHaveLength(2);
  });

  test("tell and keep each outcome", () => {
    const { probes, calls, outcomes } = setUp(route("a"));
    expect(probes.lastOf("a")).toBeUndefined();
    probes.sweep(0);
    calls[0]?.sink.fail(new GatewayError("upstream_timeout"));
    expect(probes.lastOf("a")).toEqual({ at: 1_000_000, ms: 5_000, code: "upstream_timeout" });
    probes.sweep(10_000);
    // Kept until the next is known.
    expect(probes.lastOf("a")?.code).toBe("upstream_timeout");
    answer(calls[1]);
    expect(probes.lastOf("a")?.code).toBeNull();
    expect(outcomes).toEqual(["a upstream_timeout", "a counted upstream_timeout", "a works", "a counted ok"]);
  });

  test("that have no list after ten seconds are closed and have failed, whatever time the route gives answers", () => {
    const { probes, calls, outcomes } = setUp(route("a", { probe: { everyMs: 1_000 } }));
    probes.sweep(0);
    probes.sweep(9_999);
    expect([calls[0]?.aborted, outcomes]).toEqual([false, []]);
    probes.sweep(10_000);
    expect([calls[0]?.aborted, outcomes]).toEqual([true, ["a upstream_timeout", "a counted upstream_timeout"]]);
    expect([calls.length, probes.lastOf("a")?.code]).toEqual([2, "upstream_timeout"]);
  });

  test.each(["<html>Sign in</html>", "", "OK"])("that get %j for a list change no target, and are shown", (body) => {
    const { probes, calls, outcomes } = setUp(route("a"));
    probes.sweep(0);
    answer(calls[0], body);
    expect(outcomes).toEqual(["a counted upstream_bad_response"]);
    expect(probes.lastOf("a")?.code).toBe("upstream_bad_response");
  });

  test("end with their route, and all of them when they are stopped", () => {
    const { probes, calls, routes } = setUp(route("a"), route("b"));
    probes.sweep(0);
    routes.shift();
    probes.sweep(1);
    expect(calls.map(({ aborted }) => aborted)).toEqual([true, false]);
    probes.stop();
    expect(calls.map(({ aborted }) => aborted)).toEqual([true, true]);
    probes.sweep(60_000);
    expect(calls).toHaveLength(2);
  });
});
