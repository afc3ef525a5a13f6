import { describe, expect, test } from "@jest/globals";
import type { Model, Route, TargetLimits } from "../../../src/core/dialect/routing.ts";
import { TargetStates } from "../../../src/core/targets/target-states.ts";
import { dialectOf } from "../../support/relay/routes.ts";

const route: Route = { name: "r", dialect: dialectOf("openai-chat"), key: undefined, headers: {} };

/** A model whose only target has these limits. */
function modelWith(limits: TargetLimits, alias = "smart", upstreamModel = "m"): Model {
  const plain = {
    ...{ alias, route, upstreamModel, name: alias, defaults: {} },
    ...{ price: undefined, contextWindow: undefined },
  };
  const fallback = { choose: "order" as const, sticky: true, coolDownMs: 1_000, firstTokenMs: undefined };
  return { ...plain, fallback: { ...fallback, targets: [{ route, model: plain, weight: 1, limits }] } };
}

const targetOf = (model: Model) => ({ route: model.route, model });

describe("a reload that changes a target's limits", () => {
  test("counts what runs on it, under the new limit", () => {
    const states = new TargetStates(() => 0);
    const [before, after] = [modelWith({ concurrentStreams: 2 }), modelWith({ concurrentStreams: 1 })];
    const place = states.of(targetOf(before), { concurrentStreams: 2 }).take(0, 0);
    states.follow([after]);
    const state = states.of(targetOf(after), { concurrentStreams: 1 });
    expect([state.running, state.readiness(0, 0).is]).toEqual([1, "full"]);
    place.end();
    expect([state.running, state.readiness(0, 0).is]).toEqual([0, "ready"]);
    expect(states.known(targetOf(before), { concurrentStreams: 2 })).toBeUndefined();
  });

  test("keeps what was used of the minute", () => {
    const states = new TargetStates(() => 0);
    const [before, after] = [{ requestsPerMinute: 10 }, { requestsPerMinute: 6 }];
    const state = states.of(targetOf(modelWith(before)), before);
    for (let request = 0; request < 5; request++) state.take(0, 0).end();
    states.follow([modelWith(after)]);
    expect(states.of(targetOf(modelWith(after)), after)).toBe(state);
    state.take(0, 0).end();
    // Six a minute: the next in ten seconds.
    expect(state.readiness(0, 0)).toEqual({ is: "full", waitMs: 10_000 });
  });

  test("lifts a limit that is no longer there, and sets one that is new", () => {
    const states = new TargetStates(() => 0);
    const state = states.of(targetOf(modelWith({ concurrentStreams: 1 })), { concurrentStreams: 1 });
    state.take(0, 0);
    states.follow([modelWith({})]);
    expect(state.readiness(0, 0).is).toBe("ready");
    states.follow([modelWith({ concurrentStreams: 1 })]);
    expect(state.readiness(0, 0).is).toBe("full");
  });

  test("leaves alone the state of another model that still names the target as it did", () => {
    const states = new TargetStates(() => 0);
    const limits = { concurrentStreams: 1 };
    const state = states.of(targetOf(modelWith(limits)), limits);
    state.take(0, 0);
    states.follow([modelWith({}, "fast"), modelWith(limits)]);
    expect(states.of(targetOf(modelWith(limits)), limits)).toBe(state);
    expect(states.of(targetOf(modelWith({}, "fast")), {}).running).toBe(0);
  });

  test("takes the limits of no other target", () => {
    const states = new TargetStates(() => 0);
    const limits = { concurrentStreams: 1 };
    const state = states.of(targetOf(modelWith(limits)), limits);
    states.follow([modelWith({}, "smart", "another")]);
    expect(states.of(targetOf(modelWith({}, "smart", "another")), {})).not.toBe(state);
  });

  test("tries again what was spared", () => {
    const states = new TargetStates(() => 0);
    const state = states.of(targetOf(modelWith({})), {});
    const place = state.take(0, 0);
    place.failed(0, { ms: 60_000, atOnce: true, isAsked: true });
    place.end();
    states.follow([modelWith({})]);
    expect(state.readiness(1, 0).is).toBe("trial");
  });
});
