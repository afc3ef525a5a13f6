import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FAILURES, type Place, TargetState } from "../../../src/core/targets/target-state.ts";

const soft = (ms: number) => ({ ms, atOnce: false, isAsked: false });

const state = (limits = {}) => new TargetState(limits, 0);

function failed(target: TargetState, times: number, now: number, coolMs = 1_000): void {
  for (let time = 0; time < times; time++) {
    const place = target.take(now, 0);
    place.failed(now, soft(coolMs));
    place.end();
  }
}

describe("a target", () => {
  test("is ready until it has failed three times in a row, then cools down", () => {
    const target = state();
    failed(target, FAILURES - 1, 0);
    expect(target.readiness(0, 0).is).toBe("ready");
    failed(target, 1, 10);
    expect(target.readiness(10, 0)).toEqual({ is: "cooling", waitMs: 1_000, isAsked: false });
    expect(target.readiness(1_009, 0)).toEqual({ is: "cooling", waitMs: 1, isAsked: false });
    expect(target.readiness(1_010, 0).is).toBe("trial");
  });

  test("forgets its failures with an answer", () => {
    const target = state();
    failed(target, FAILURES - 1, 0);
    const place = target.take(0, 0);
    place.answered();
    place.end();
    failed(target, FAILURES - 1, 0);
    expect(target.readiness(0, 0).is).toBe("ready");
  });

  test("lets one request try it after the cool-down, and opens with its answer", () => {
    const target = state();
    failed(target, FAILURES, 0);
    const trial = target.take(1_000, 0);
    expect(target.readiness(1_000, 0).is).toBe("cooling");
    trial.answered();
    expect(target.readiness(1_000, 0).is).toBe("ready");
    trial.end();
  });

  test("cools down again when the trial fails, and may be tried when the trial was cancelled", () => {
    const target = state();
    failed(target, FAILURES, 0);
    const trial = target.take(1_000, 0);
    trial.failed(1_500, soft(1_000));
    trial.end();
    expect(target.readiness(2_499, 0).is).toBe("cooling");
    const cancelled = target.take(2_500, 0);
    cancelled.end();
    expect(target.readiness(2_500, 0).is).toBe("trial");
  });

  test("counts one failure for an attempt that is found late again and again", () => {
    const target = state();
    const late = target.take(0, 0);
    for (let look = 0; look < FAILURES; look++) late.failed(look * 1_000, soft(30_000));
    expect(target.readiness(FAILURES * 1_000, 0).is).toBe("ready");
    late.end();
    failed(target, FAILURES - 1, 5_000);
    expect(target.readiness(5_000, 0).is).toBe("cooling");
  });

  test("may be tried at once when the configuration was read again", () => {
    const target = state();
    failed(target, FAILURES, 0, 60_000);
    target.retryNow();
    expect(target.readiness(1, 0).is).toBe("trial");
  });

  test("cools down at its first failure where the failure says so", () => {
    const target = state();
    const place = target.take(0, 0);
    place.failed(0, { ms: 7_000, atOnce: true, isAsked: true });
    place.end();
    expect(target.readiness(6_999, 0)).toEqual({ is: "cooling", waitMs: 1, isAsked: true });
  });

  test("is full beyond its streams, requests and tokens, and says for how long", () => {
    const streams = state({ concurrentStreams: 1 });
    const place = streams.take(0, 0);
    expect(streams.readiness(0, 0).is).toBe("full");
    place.end();
    expect(streams.readiness(0, 0).is).toBe("ready");

    const requests = state({ requestsPerMinute: 2 });
    requests.take(0, 0).end();
    requests.take(0, 0).end();
    expect(requests.readiness(0, 0)).toEqual({ is: "full", waitMs: 30_000 });
    expect(requests.readiness(30_000, 0).is).toBe("ready");

    const tokens = state({ tokensPerMinute: 600 });
    tokens.take(0, 500).end();
    expect(tokens.readiness(0, 100).is).toBe("ready");
    expect(tokens.readiness(0, 200)).toEqual({ is: "full", waitMs: 10_000 });
    // A prompt that no minute holds takes a whole one.
    expect(tokens.readiness(50_000, 5_000).is).toBe("ready");
  });

  test("counts every place once, whatever is called how often, and never lets two trials run", () => {
    const action = fc.record({
      what: fc.constantFrom("take", "answered", "failed", "end"),
      which: fc.nat(5),
      afterMs: fc.nat(1_500),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const target = state();
        const places: { readonly place: Place; isOver: boolean }[] = [];
        let now = 0;
        for (const { what, which, afterMs } of actions) {
          now += afterMs;
          const one = places[which % Math.max(1, places.length)];
          if (what === "take") {
            const { is } = target.readiness(now, 0);
            if (is === "ready" || is === "trial") places.push({ place: target.take(now, 0), isOver: false });
            if (is === "trial") expect(target.readiness(now, 0).is).toBe("cooling");
          } else if (one && what === "answered" && !one.isOver) {
            one.place.answered();
            expect(target.readiness(now, 0).is).toBe("ready");
          } else if (one && what === "failed" && !one.isOver) one.place.failed(now, soft(1_000));
          else if (one && what === "end") {
            one.place.end();
            one.isOver = true;
          }
          expect(target.running).toBe(places.filter(({ isOver }) => !isOver).length);
        }
        for (const { place } of places) place.end();
        expect(target.running).toBe(0);
        // It is never shut for good.
        expect(["ready", "trial"]).toContain(target.readiness(now + 1_000, 0).is);
      }),
    );
  });
});
