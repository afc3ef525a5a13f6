import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { coolDown } from "../../../src/core/targets/may-go-on.ts";
import { TargetState } from "../../../src/core/targets/target-state.ts";

const unreachable = coolDown(new GatewayError("upstream_reset"), 30_000);
const limited = coolDown(new GatewayError("upstream_rate_limited", undefined, { retryAfterMs: 60_000 }), 30_000);

/** A target after this many failed attempts. */
function failedTarget(...failures: (typeof unreachable)[]): TargetState {
  const state = new TargetState({}, 0);
  for (const failure of failures) {
    const place = state.take(0, 0);
    place.failed(0, failure);
    place.end();
  }
  return state;
}

describe("a probe", () => {
  test("that its provider answers lets the next request try a target that cools down", () => {
    const state = failedTarget(unreachable, unreachable, unreachable);
    expect(state.readiness(1, 0).is).toBe("cooling");
    state.probed(1);
    expect(state.readiness(1, 0).is).toBe("trial");
  });

  test("ends no wait that the provider has asked for", () => {
    const state = failedTarget(limited);
    state.probed(1);
    expect(state.readiness(1, 0)).toMatchObject({ is: "cooling", isAsked: true });
  });

  test("that fails three times in a row begins a cool-down, as failed attempts do", () => {
    const state = new TargetState({}, 0);
    state.probeFailed(0, unreachable);
    state.probeFailed(0, unreachable);
    expect(state.readiness(0, 0).is).toBe("ready");
    state.probeFailed(0, unreachable);
    expect(state.readiness(0, 0)).toMatchObject({ is: "cooling", waitMs: 30_000 });
  });

  test("that fails now and then begins none, and one that is answered excuses no failed attempt", () => {
    const state = failedTarget(unreachable);
    for (let round = 0; round < 5; round++) {
      state.probeFailed(0, unreachable);
      state.probed(0);
    }
    expect(state.readiness(0, 0).is).toBe("ready");
    state.probeFailed(0, unreachable);
    state.probeFailed(0, unreachable);
    expect(state.readiness(0, 0).is).toBe("cooling");
  });

  test("that is answered leaves a failed trial the cool-down that it begins", () => {
    const state = new TargetState({}, 0);
    for (let round = 0; round < 3; round++) state.probeFailed(0, unreachable);
    state.probed(1);
    const trial = state.take(1, 0);
    trial.failed(2, unreachable);
    trial.end();
    expect(state.readiness(2, 0)).toMatchObject({ is: "cooling", waitMs: 30_000 });
  });
});
